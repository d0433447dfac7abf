package dev.gatun.bench;

import dev.gatun.SystemInfo;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * What the machine can do at most, measured in the run that the benchmark's figures are of. In units a second.
 *
 * @param memory bytes that the backend reads of the memory where its weights lie: the GPU's, or the host's
 * @param link bytes from host to GPU; empty on the CPU
 * @param operations multiplications and additions of the GPU's tensor cores; empty on the CPU
 * @param host bytes that the host's processor reads of its memory beside a GPU; empty on the CPU, whose {@code memory} it is
 * @param roads bytes that are copied from host to GPU and read by the host's processor at the same time; empty on the CPU
 */
public record Ceilings(
        double memory, OptionalDouble link, OptionalDouble operations, OptionalDouble host, OptionalDouble roads) {
    private static final double GIGA = 1e9;
    private static final double TERA = 1e12;

    /**
     * Measures, in about three seconds. A simulated link's rate is its ceiling, and simulated threads read the host's memory.
     *
     * @param backend {@code "cuda"} for the first GPU, anything else for the host
     * @param simulation what is not as it is here
     * @throws dev.gatun.GatunException if that fails
     */
    public static Ceilings measure(String backend, Simulation simulation) {
        Optional<SystemInfo.GpuBandwidth> gpu = backend.equals("cuda") ? SystemInfo.gpuBandwidth() : Optional.empty();
        double host = hostRead(simulation.threads());
        return gpu.map(measured -> of(measured, host, roads(simulation), simulation))
                .orElseGet(() -> new Ceilings(
                        host,
                        OptionalDouble.empty(),
                        OptionalDouble.empty(),
                        OptionalDouble.empty(),
                        OptionalDouble.empty()));
    }

    private static double hostRead(OptionalInt threads) {
        SystemInfo.HostBandwidth host =
                threads.isPresent() ? SystemInfo.hostBandwidth(threads.getAsInt()) : SystemInfo.hostBandwidth();
        return host.read() * GIGA;
    }

    private static SystemInfo.RoadBandwidth roads(Simulation simulation) {
        int threads = simulation.threads().orElse(Runtime.getRuntime().availableProcessors());
        return SystemInfo.roadBandwidth(threads).orElseThrow();
    }

    /** A link that is slower anyhow stays as it is. One that is simulated leaves the host's memory more or less alone. */
    static Ceilings of(
            SystemInfo.GpuBandwidth gpu, double host, SystemInfo.RoadBandwidth roads, Simulation simulation) {
        double link = gpu.toGpu() * GIGA;
        return new Ceilings(
                gpu.read() * GIGA,
                OptionalDouble.of(Math.min(link, simulation.link().orElse(link))),
                OptionalDouble.of(gpu.operations() * TERA),
                OptionalDouble.of(host),
                OptionalDouble.of(
                        simulation.link().isPresent()
                                ? Math.min(link, simulation.link().getAsDouble()) + host
                                : (roads.toGpu() + roads.read()) * GIGA));
    }
}
