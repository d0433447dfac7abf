package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaGraph;

/** A workload captured into a graph, so that its operations follow each other without the host. */
record TimedWorkload(BenchmarkDevice device, Workload workload, Ceilings ceilings, CudaGraph graph)
        implements AutoCloseable {
    /** Runs it once, which loads everything, then captures it. */
    static TimedWorkload capture(BenchmarkDevice device, Workload workload) {
        workload.enqueueAll();
        device.requireNoErrors();
        CudaGraph graph = CudaGraph.capture(device.stream(), workload::enqueueAll);
        graph.upload(device.stream());
        return new TimedWorkload(device, workload, device.ceilings(), graph);
    }

    /** Seconds of one operation, none of whose data was in the second-level cache. */
    double seconds() {
        device.emptyCache();
        return device.timer().seconds(() -> graph.launch(device.stream())) / workload.nodes();
    }

    @Override
    public void close() {
        device.requireNoErrors();
        graph.close();
    }
}
