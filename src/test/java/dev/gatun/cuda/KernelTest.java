package dev.gatun.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class KernelTest extends OnGpu {
    @Test
    void argumentsAreReadAtTheLaunchAndCanBeSetAgain() {
        CudaKernel axpy = module.kernel("axpy");
        try (DeviceBuffer x = floats(1, 2, 3, 4, 5);
                DeviceBuffer y = floats(10, 20, 30, 40, 50);
                KernelArguments arguments = axpy.newArguments()) {
            arguments.set(0, x).set(1, y).set(2, 2f).set(3, 5);
            axpy.launch(LaunchShape.covering(5, 4), arguments, stream);
            arguments.set(1, y.slice(4, 16)).set(2, -1f).set(3, 2);
            axpy.launch(LaunchShape.of(1, 32), arguments, stream);

            assertThat(floats(y)).containsExactly(12, 24 - 1, 36 - 2, 48, 60);
        }
    }

    @Test
    void kernelsReadAndWritePinnedMemoryInPlace() {
        CudaKernel axpy = module.kernel("axpy");
        try (PinnedBuffer x = PinnedBuffer.allocate(device, 4);
                PinnedBuffer y = PinnedBuffer.register(device, 4);
                KernelArguments arguments = axpy.newArguments()) {
            x.segment().set(ValueLayout.JAVA_FLOAT, 0, 3f);
            y.segment().set(ValueLayout.JAVA_FLOAT, 0, 4f);
            axpy.launch(
                    LaunchShape.of(1, 1),
                    arguments.set(0, x).set(1, y).set(2, 2f).set(3, 1),
                    stream);
            stream.synchronize();

            assertThat(y.segment().get(ValueLayout.JAVA_FLOAT, 0)).isEqualTo(10f);
        }
    }

    @Test
    void structsGoByValueWithAddressesInThem() {
        CudaKernel store = module.kernel("store_pair");
        try (DeviceBuffer target = DeviceBuffer.allocate(device, 16);
                Arena arena = Arena.ofConfined();
                KernelArguments arguments = store.newArguments()) {
            MemorySegment pair = arena.allocate(16);
            target.slice(4, 12).storeAddress(4, pair, 0);
            pair.set(ValueLayout.JAVA_LONG, 8, 42L);
            target.zero(stream);
            store.launch(LaunchShape.of(1, 1), arguments.set(0, pair), stream);

            assertThat(bytes(target).toArray(ValueLayout.JAVA_LONG)).containsExactly(0, 42);
        }
    }

    @Test
    void aBlockGetsAllTheSharedMemoryOfTheDeviceAndNoMore() {
        CudaKernel kernel = module.kernel("shared_size");
        int most = Math.toIntExact(device.properties().sharedMemoryPerBlock());
        try (DeviceBuffer size = DeviceBuffer.allocate(device, 4);
                KernelArguments arguments = kernel.newArguments().set(0, size)) {
            for (int bytes : new int[] {4, 48 << 10, most}) {
                kernel.launch(LaunchShape.of(1, 32).sharing(bytes), arguments, stream);
                assertThat(bytes(size).get(ValueLayout.JAVA_INT, 0)).isEqualTo(bytes);
            }
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.launch(LaunchShape.of(1, 32).sharing(most + 1), arguments, stream))
                    .withMessageStartingWith("kernel `shared_size` can have " + most + " bytes");
        }
    }

    @Test
    void aCooperativeGridFitsTheDeviceOrIsRefused() {
        CudaKernel empty = module.kernel("empty");
        int fitting = device.properties().multiprocessors() * empty.blocksPerMultiprocessor(1024, 0);
        try (KernelArguments none = empty.newArguments()) {
            empty.launch(LaunchShape.of(fitting, 1024).cooperative(), none, stream);
            stream.synchronize();
            assertThatExceptionOfType(CudaException.class)
                    .isThrownBy(
                            () -> empty.launch(LaunchShape.of(fitting + 1, 1024).cooperative(), none, stream))
                    .withMessageStartingWith("launch of kernel `empty` with grid " + (fitting + 1)
                            + "x1x1, block 1024x1x1, cooperative: cudaErrorCooperativeLaunchTooLarge");
        }
    }

    @Test
    void badShapesNameTheLaunchAndTheContextGoesOn() {
        CudaKernel empty = module.kernel("empty");
        try (KernelArguments none = empty.newArguments()) {
            assertThatExceptionOfType(CudaException.class)
                    .isThrownBy(() -> empty.launch(LaunchShape.of(1, 2048), none, stream))
                    .withMessageStartingWith(
                            "launch of kernel `empty` with grid 1x1x1, block 2048x1x1: cudaErrorInvalid")
                    .matches(e -> !e.isContextLost());
            empty.launch(LaunchShape.of(1, 1), none, stream);
            stream.synchronize();
        }
    }

    @Test
    void parametersAreTheKernelsOwn() {
        CudaKernel axpy = module.kernel("axpy");
        assertThat(axpy.parameterSizes()).containsExactly(8L, 8L, 4L, 4L);
        assertThat(module.kernel("empty").parameterSizes()).isEmpty();
        assertThat(module.kernel("store_pair").parameterSizes()).containsExactly(16L);
        assertThat(axpy.attributes().registers()).isPositive();
        assertThat(axpy.attributes().maxThreadsPerBlock()).isEqualTo(1024);
        assertThat(axpy.attributes().ptxVersion()).isEqualTo(75);
        try (KernelArguments arguments = axpy.newArguments();
                KernelArguments others = module.kernel("empty").newArguments()) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> arguments.set(3, 5L))
                    .withMessage("parameter 3 of kernel `axpy` has 4 bytes: 8");
            assertThatIllegalArgumentException().isThrownBy(() -> arguments.set(0, 5));
            assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> arguments.set(4, 5));
            assertThatIllegalStateException()
                    .isThrownBy(() -> axpy.launch(LaunchShape.of(1, 1), arguments, stream))
                    .withMessage("parameter 0 of kernel `axpy` is not set");
            assertThatIllegalArgumentException().isThrownBy(() -> axpy.launch(LaunchShape.of(1, 1), others, stream));
        }
    }

    @Test
    void nothingClosedIsLaunched() {
        CudaKernel axpy = module.kernel("axpy");
        DeviceBuffer x = floats(1);
        KernelArguments arguments =
                axpy.newArguments().set(0, x).set(1, x).set(2, 1f).set(3, 1);
        x.close();
        assertThatIllegalStateException()
                .isThrownBy(() -> axpy.launch(LaunchShape.of(1, 1), arguments, stream))
                .withMessage("the device buffer is closed");
        assertThatIllegalStateException().isThrownBy(() -> arguments.set(0, x));
        arguments.close();
        arguments.close();
        assertThatIllegalStateException().isThrownBy(() -> axpy.launch(LaunchShape.of(1, 1), arguments, stream));

        CudaModule other = TestKernels.load(device);
        CudaKernel empty = other.kernel("empty");
        other.close();
        other.close();
        try (KernelArguments none = empty.newArguments()) {
            assertThatIllegalStateException()
                    .isThrownBy(() -> empty.launch(LaunchShape.of(1, 1), none, stream))
                    .withMessage("the module is closed");
        }
        assertThatIllegalStateException().isThrownBy(() -> other.kernel("empty"));
    }

    @Test
    void badCodeAndUnknownNamesAreNamed() {
        assertThatExceptionOfType(CudaException.class)
                .isThrownBy(() -> module.kernel("absent"))
                .withMessageStartingWith("finding kernel `absent` in a module: ");
        byte[] bad = ".version 7.0\n.target sm_75\n.address_size 64\n.visible .entry e() { nonsense; }"
                .getBytes(StandardCharsets.US_ASCII);
        assertThatExceptionOfType(CudaException.class)
                .isThrownBy(() -> loadAndFind(bad))
                .withMessageContaining("cudaErrorInvalidPtx")
                .withMessageContaining("line 4");
        assertThatExceptionOfType(CudaException.class).isThrownBy(() -> loadAndFind(new byte[64]));
        assertThatIllegalArgumentException().isThrownBy(() -> CudaModule.load(device, new byte[0]));
    }

    private void loadAndFind(byte[] image) {
        try (CudaModule bad = CudaModule.load(device, image)) {
            bad.kernel("e");
        }
    }
}
