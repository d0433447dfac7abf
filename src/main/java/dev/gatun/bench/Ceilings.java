package dev.gatun.bench;

import dev.gatun.SystemInfo;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What the machine can do at most, measured in the run that the benchmark's figures are of. In units a second.
 *
 * @param memory bytes that the backend reads of the memory where its weights lie: the GPU's, or the host's
 * @param link bytes from host to GPU; empty on the CPU
 * @param operations multiplications and additions of the GPU's tensor cores; empty on the CPU
 */
public record Ceilings(double memory, OptionalDouble link, OptionalDouble operations) {
    private static final double GIGA = 1e9;
    private static final double TERA = 1e12;

    /**
     * Measures, in about a second.
     *
     * @param backend {@code "cuda"} for the first GPU, anything else for the host
     * @throws dev.gatun.GatunException if that fails
     */
    public static Ceilings measure(String backend) {
        Optional<SystemInfo.GpuBandwidth> gpu = backend.equals("cuda") ? SystemInfo.gpuBandwidth() : Optional.empty();
        return gpu.map(Ceilings::of)
                .orElseGet(() -> new Ceilings(
                        SystemInfo.hostBandwidth().read() * GIGA, OptionalDouble.empty(), OptionalDouble.empty()));
    }

    private static Ceilings of(SystemInfo.GpuBandwidth gpu) {
        return new Ceilings(
                gpu.read() * GIGA, OptionalDouble.of(gpu.toGpu() * GIGA), OptionalDouble.of(gpu.operations() * TERA));
    }
}
