package dev.gatun.engine.cuda;

import java.util.OptionalDouble;

/**
 * How a {@link CudaBackend} launches, copies and computes; none of it but the threads changes results.
 *
 * @param graphs whether all operations of a single token are launched at once, as a CUDA graph; where not every expert is in
 *     the device's memory, those between the experts of two layers, as long as nothing is guessed and no times are taken
 * @param oneWay whether copies to the device and back take turns instead of running at once, to measure what that is worth
 *     where the host holds only experts that are not on the device
 * @param times whether the device takes the time of each part of a pass and of each copy, where not all experts are in its
 *     memory; that costs a pass some microseconds a layer
 * @param threads of the host that compute experts which are not on the device, the one that feeds it included; 0 for one per
 *     available processor, but for one of them where there are many
 * @param simulatedLink bytes a second, each way, that copies of experts are slowed to, to study machines with a slower link;
 *     empty to copy as fast as it goes
 */
public record CudaOptions(boolean graphs, boolean oneWay, boolean times, int threads, OptionalDouble simulatedLink) {
    /** What is fastest: graphs, copies both ways at once, no times. */
    public static CudaOptions defaults() {
        return new CudaOptions(true, false, false, 0, OptionalDouble.empty());
    }

    /** The same with or without graphs. */
    public CudaOptions withGraphs(boolean on) {
        return new CudaOptions(on, oneWay, times, threads, simulatedLink);
    }

    /** The same with copies one way at a time, or both ways at once. */
    public CudaOptions withOneWay(boolean on) {
        return new CudaOptions(graphs, on, times, threads, simulatedLink);
    }

    /** The same with or without times. */
    public CudaOptions withTimes(boolean on) {
        return new CudaOptions(graphs, oneWay, on, threads, simulatedLink);
    }

    /** The same with so many threads of the host. */
    public CudaOptions withThreads(int count) {
        return new CudaOptions(graphs, oneWay, times, count, simulatedLink);
    }

    /** The same with copies of experts slowed to so many bytes a second. */
    public CudaOptions withSimulatedLink(double rate) {
        return withSimulatedLink(OptionalDouble.of(rate));
    }

    /** The same with copies of experts slowed to so many bytes a second, or not. */
    public CudaOptions withSimulatedLink(OptionalDouble rate) {
        return new CudaOptions(graphs, oneWay, times, threads, rate);
    }
}
