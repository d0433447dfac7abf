package dev.gatun.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Laws of the first GPU, with a stream and the test kernels. */
@RequiresGpu
abstract class OnGpu {
    CudaDevice device;
    CudaStream stream;
    CudaModule module;

    @BeforeEach
    void open() {
        device = CudaDevice.open(0);
        stream = CudaStream.open(device);
        module = TestKernels.load(device);
    }

    @AfterEach
    void close() {
        module.close();
        stream.close();
    }

    /** Puts a kernel into a stream that keeps it busy for so long. */
    void spin(CudaStream target, long milliseconds) {
        CudaKernel kernel = module.kernel("spin");
        try (KernelArguments arguments = kernel.newArguments().set(0, milliseconds * 1_000_000)) {
            kernel.launch(LaunchShape.of(1, 1), arguments, target);
        }
    }

    DeviceBuffer floats(float... values) {
        DeviceBuffer buffer = DeviceBuffer.allocate(device, (long) values.length * Float.BYTES);
        try (Arena arena = Arena.ofConfined()) {
            buffer.upload(0, arena.allocateFrom(ValueLayout.JAVA_FLOAT, values), stream);
        }
        return buffer;
    }

    float[] floats(DeviceMemory memory) {
        return bytes(memory).toArray(ValueLayout.JAVA_FLOAT);
    }

    MemorySegment bytes(DeviceMemory memory) {
        MemorySegment host = Arena.ofAuto().allocate(memory.byteSize());
        memory.download(0, host, stream);
        return host;
    }
}
