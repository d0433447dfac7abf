package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaException;
import dev.gatun.cuda.CudaGraph;
import dev.gatun.cuda.CudaStream;
import java.util.Optional;

/** Launches into a stream, recorded as CUDA graphs. */
record StreamRecorder(CudaStream stream) implements LaunchRecorder {
    private static final String OTHER_FORM = "cudaErrorGraphExecUpdateFailure";

    @Override
    public Optional<Recorded> record(Runnable work) {
        try {
            return Optional.of(uploaded(CudaGraph.capture(stream, work)));
        } catch (CudaException failure) {
            if (failure.isOutOfMemory()) {
                return Optional.empty();
            }
            throw failure;
        }
    }

    /** What memory the device needs for it is taken here, so that a launch does not fail for want of it. */
    private Recorded uploaded(CudaGraph graph) {
        try {
            graph.upload(stream);
            return new Graph(graph, stream);
        } catch (RuntimeException failure) {
            graph.close();
            throw failure;
        }
    }

    private record Graph(CudaGraph graph, CudaStream stream) implements Recorded {
        @Override
        public void launch() {
            graph.launch(stream);
        }

        @Override
        public boolean replace(Runnable work) {
            try {
                graph.update(stream, work);
                return true;
            } catch (CudaException failure) {
                if (failure.isOutOfMemory() || failure.errorName().equals(OTHER_FORM)) {
                    return false;
                }
                throw failure;
            }
        }

        @Override
        public void close() {
            graph.close();
        }
    }
}
