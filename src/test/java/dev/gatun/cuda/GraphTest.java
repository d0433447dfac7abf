package dev.gatun.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GraphTest extends OnGpu {
    private static final LaunchShape SHAPE = LaunchShape.of(1, 32);

    private CudaKernel axpy;
    private KernelArguments arguments;
    private DeviceBuffer x;
    private DeviceBuffer y;

    @BeforeEach
    void makeArguments() {
        axpy = module.kernel("axpy");
        x = floats(1, 2);
        y = floats(0, 0);
        arguments = axpy.newArguments().set(0, x).set(1, y).set(2, 1f).set(3, 2);
    }

    @AfterEach
    void closeArguments() {
        arguments.close();
        y.close();
        x.close();
    }

    private void launch() {
        axpy.launch(SHAPE, arguments, stream);
    }

    @Test
    void captureRunsNothingAndEachLaunchRunsAll() {
        try (CudaGraph graph = CudaGraph.capture(stream, () -> {
            launch();
            launch();
        })) {
            assertThat(floats(y)).containsExactly(0, 0);
            graph.upload(stream);
            graph.launch(stream);
            graph.launch(stream);
            assertThat(floats(y)).containsExactly(4, 8);

            arguments.set(2, 100f);
            graph.launch(stream);
            assertThat(floats(y)).as("the arguments of the capture").containsExactly(6, 12);
        }
    }

    @Test
    void anUpdateChangesLaterLaunchesAlone() {
        try (DeviceBuffer other = floats(10, 20);
                CudaGraph graph = CudaGraph.capture(stream, this::launch)) {
            graph.launch(stream);
            arguments.set(1, other).set(2, 3f);
            graph.update(stream, this::launch);
            graph.launch(stream);

            assertThat(floats(y)).containsExactly(1, 2);
            assertThat(floats(other)).containsExactly(13, 26);
            y.close();
            assertThat(y.isOpen()).as("let go by the update").isFalse();
            assertThatIllegalStateException().isThrownBy(other::close);
        }
    }

    @Test
    void anUpdateOfAnotherFormLeavesTheGraphAsItWas() {
        try (CudaGraph graph = CudaGraph.capture(stream, this::launch)) {
            assertThatExceptionOfType(CudaException.class)
                    .isThrownBy(() -> graph.update(stream, () -> {
                        launch();
                        y.zero(stream);
                    }))
                    .withMessageStartingWith("updating a graph: ")
                    .withMessageEndingWith("work of another form needs a new graph: capture it instead");
            graph.launch(stream);
            assertThat(floats(y)).containsExactly(1, 2);
        }
    }

    @Test
    void copiesFillsAndOtherStreamsTakePart() {
        try (CudaStream other = CudaStream.open(device);
                CudaEvent fork = CudaEvent.open(device);
                CudaEvent join = CudaEvent.open(device);
                PinnedBuffer pinned = PinnedBuffer.allocate(device, 8);
                DeviceBuffer second = DeviceBuffer.allocate(device, 8);
                CudaGraph graph = CudaGraph.capture(stream, () -> {
                    y.zero(stream);
                    stream.record(fork);
                    other.waitFor(fork);
                    second.copyFrom(0, x, 0, 8, other);
                    other.record(join);
                    launch();
                    stream.waitFor(join);
                    y.copyTo(0, pinned, 0, 4, stream);
                    second.copyTo(4, pinned, 4, 4, stream);
                })) {
            assertThat(other.isIdle()).isTrue();
            for (int i = 0; i < 3; i++) {
                graph.launch(other);
            }
            other.synchronize();
            assertThat(pinned.segment().toArray(ValueLayout.JAVA_FLOAT)).containsExactly(1, 2);
            assertThatIllegalStateException()
                    .isThrownBy(() -> stream.waitFor(fork))
                    .withMessageContaining("record it again");
            assertThatIllegalStateException().isThrownBy(fork::synchronize);
        }
    }

    @Test
    void nothingWaitsInsideACapture() {
        try (CudaEvent outside = CudaEvent.open(device);
                CudaGraph ignored = CudaGraph.capture(stream, () -> {
                    launch();
                    assertThatIllegalStateException().isThrownBy(stream::synchronize);
                    assertThatIllegalStateException().isThrownBy(stream::isIdle);
                    assertThatIllegalStateException().isThrownBy(stream::close);
                    assertThatIllegalStateException().isThrownBy(() -> stream.waitFor(outside));
                    assertThatIllegalStateException().isThrownBy(() -> bytes(y));
                    assertThatIllegalStateException().isThrownBy(() -> DeviceBuffer.allocate(stream, 8));
                    assertThatIllegalStateException().isThrownBy(() -> CudaGraph.capture(stream, this::launch));
                    DeviceBuffer.allocate(device, 8).close();
                    CudaStream.open(device).close();
                })) {
            ignored.launch(stream);
            assertThat(floats(y)).containsExactly(1, 2);
        }
    }

    @Test
    void workThatThrowsLeavesTheStreamUsable() {
        assertThatIllegalStateException()
                .isThrownBy(() -> CudaGraph.capture(stream, () -> {
                    launch();
                    throw new IllegalStateException("no more");
                }))
                .withMessage("no more");
        launch();
        assertThat(floats(y)).containsExactly(1, 2);
    }

    @Test
    void aGraphKeepsWhatItUsesOpen() {
        CudaGraph graph = CudaGraph.capture(stream, this::launch);
        assertThatIllegalStateException()
                .isThrownBy(x::close)
                .withMessage("the device buffer is part of an open graph: close the graph first");
        assertThatIllegalStateException().isThrownBy(module::close);
        arguments.close();
        graph.launch(stream);
        graph.close();
        graph.close();
        assertThatIllegalStateException().isThrownBy(() -> graph.launch(stream)).withMessage("the graph is closed");
        assertThat(floats(y)).containsExactly(1, 2);
        x.close();
    }

    @Test
    void closingAGraphWaitsForItsLaunches() {
        try (CudaEvent launched = CudaEvent.open(device)) {
            CudaGraph graph = CudaGraph.capture(stream, () -> spin(stream, 30));
            graph.launch(stream);
            stream.record(launched);
            assertThat(launched.hasHappened()).isFalse();
            graph.close();
            assertThat(launched.hasHappened()).isTrue();
        }
    }
}
