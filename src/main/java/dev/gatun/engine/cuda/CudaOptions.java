package dev.gatun.engine.cuda;

/**
 * How a {@link CudaBackend} launches and copies; the results have the same bits either way.
 *
 * @param graphs whether all operations of a single token are launched at once, as a CUDA graph, which needs every expert in
 *     the device's memory
 * @param oneWay whether copies to the device and back take turns instead of running at once, to measure what that is worth
 *     where the host holds only experts that are not on the device
 * @param times whether the device takes the time of each part of a pass and of each copy, where not all experts are in its
 *     memory; that costs a pass some microseconds a layer
 */
public record CudaOptions(boolean graphs, boolean oneWay, boolean times) {
    /** What is fastest: graphs where the whole model lies in the device's memory, copies both ways at once, no times. */
    public static CudaOptions defaults() {
        return new CudaOptions(true, false, false);
    }

    /** The same with or without graphs. */
    public CudaOptions withGraphs(boolean on) {
        return new CudaOptions(on, oneWay, times);
    }

    /** The same with copies one way at a time, or both ways at once. */
    public CudaOptions withOneWay(boolean on) {
        return new CudaOptions(graphs, on, times);
    }

    /** The same with or without times. */
    public CudaOptions withTimes(boolean on) {
        return new CudaOptions(graphs, oneWay, on);
    }
}
