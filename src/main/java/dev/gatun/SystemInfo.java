package dev.gatun;

import dev.gatun.cpu.CpuException;
import dev.gatun.cpu.CpuInfo;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.cpu.ReadBandwidth;
import dev.gatun.cuda.CudaAvailability;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaException;
import dev.gatun.engine.cuda.CudaBackend;
import dev.gatun.engine.cuda.DeviceBandwidth;
import dev.gatun.natives.NativeLibraryException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/** What this machine offers to run models on. */
public final class SystemInfo {
    private SystemInfo() {}

    /**
     * A backend's state.
     *
     * @param name {@code "cpu"} or {@code "cuda"}
     * @param available whether it can be used
     * @param state what it would use, or why it cannot be used
     */
    public record BackendState(String name, boolean available, String state) {}

    /**
     * How fast the host's memory is, in 10^9 bytes a second: what bounds the CPU backend.
     *
     * @param read reads by all threads together
     * @param threads how many threads read
     */
    public record HostBandwidth(double read, int threads) {}

    /**
     * How fast a GPU, its memory and its link to the host are, in 10^9 bytes a second, and operations.
     *
     * @param toGpu copies from page-locked host memory to the GPU
     * @param fromGpu copies back
     * @param read reads of the GPU's own memory, what bounds the CUDA backend
     * @param operations multiplications and additions on its tensor cores, 10^12 a second: what bounds long prompts
     */
    public record GpuBandwidth(double toGpu, double fromGpu, double read, double operations) {}

    /** The backends that Gatun knows, available or not. */
    public static List<BackendState> backends() {
        return List.of(cpu(), cuda());
    }

    /**
     * The CPU's instruction sets that matter here, separated by spaces.
     *
     * @throws GatunException if the CPU library cannot be loaded
     */
    public static String cpuFeatures() {
        try {
            return CpuInfo.ofThisMachine().features();
        } catch (NativeLibraryException | CpuException unusable) {
            throw new GatunException(unusable.getMessage(), unusable);
        }
    }

    /** The GPUs that the CUDA runtime can use, or why it can use none; in one line. */
    public static String gpus() {
        return switch (CudaAvailability.ofThisMachine()) {
            case CudaAvailability.Unavailable none -> none.reason();
            case CudaAvailability.Available some -> names(some);
        };
    }

    /**
     * Measures the host's memory, with a thread on each processor. That takes about half a second, and up to 1 GiB.
     *
     * @throws GatunException if the CPU library cannot be loaded, or there is no memory for it
     */
    public static HostBandwidth hostBandwidth() {
        return hostBandwidth(Runtime.getRuntime().availableProcessors());
    }

    /**
     * The same with so many threads, 1 to {@value ModelOptions#MAX_THREADS}.
     *
     * @throws GatunException as {@link #hostBandwidth()}
     */
    public static HostBandwidth hostBandwidth(int threads) {
        try {
            ReadBandwidth measured = ReadBandwidth.measure(threads);
            return new HostBandwidth(measured.gigabytesPerSecond(), measured.threads());
        } catch (NativeLibraryException | CpuException | OutOfMemoryError unusable) {
            throw new GatunException(unusable.getMessage(), unusable);
        }
    }

    /**
     * Measures the first GPU's memory and its link to the host, in about a second; empty if the CUDA backend is not
     * available.
     *
     * @throws GatunException if CUDA fails, or has no memory for it
     */
    public static Optional<GpuBandwidth> gpuBandwidth() {
        return switch (CudaBackend.availability()) {
            case CudaAvailability.Unavailable none -> Optional.empty();
            case CudaAvailability.Available some ->
                Optional.of(gpuBandwidth(some.devices().getFirst()));
        };
    }

    /**
     * How fast both roads to what lies in the host's memory are at the same time, in 10^9 bytes a second.
     *
     * @param toGpu copies from page-locked host memory to the GPU
     * @param read reads by all threads of the CPU together
     */
    public record RoadBandwidth(double toGpu, double read) {}

    /**
     * Measures copies to the first GPU while the CPU's threads read, in about a second; empty if the CUDA backend is not
     * available.
     *
     * @param threads that read, 1 to {@value ModelOptions#MAX_THREADS}
     * @throws GatunException if CUDA fails, the CPU library cannot be loaded, or there is no memory for it
     */
    public static Optional<RoadBandwidth> roadBandwidth(int threads) {
        return switch (CudaBackend.availability()) {
            case CudaAvailability.Unavailable none -> Optional.empty();
            case CudaAvailability.Available some ->
                Optional.of(roadBandwidth(some.devices().getFirst(), threads));
        };
    }

    private static RoadBandwidth roadBandwidth(CudaDevice device, int threads) {
        try {
            var measured = dev.gatun.engine.cuda.RoadBandwidth.measure(device, threads);
            return new RoadBandwidth(measured.link(), measured.read());
        } catch (CudaException | NativeLibraryException | CpuException | OutOfMemoryError failure) {
            throw new GatunException(failure.getMessage(), failure);
        }
    }

    private static GpuBandwidth gpuBandwidth(CudaDevice device) {
        try {
            DeviceBandwidth measured = DeviceBandwidth.measure(device);
            return new GpuBandwidth(measured.toDevice(), measured.toHost(), measured.read(), measured.operations());
        } catch (CudaException failure) {
            throw new GatunException(failure.getMessage(), failure);
        }
    }

    /** Free memory of the GPU that models would run on, in bytes; empty where there is none. */
    public static OptionalLong freeGpuMemory() {
        return switch (CudaAvailability.ofThisMachine()) {
            case CudaAvailability.Unavailable none -> OptionalLong.empty();
            case CudaAvailability.Available some ->
                OptionalLong.of(some.devices().getFirst().freeMemory());
        };
    }

    private static BackendState cuda() {
        return switch (CudaBackend.availability()) {
            case CudaAvailability.Unavailable none ->
                new BackendState("cuda", false, "not available: " + none.reason());
            case CudaAvailability.Available some -> new BackendState("cuda", true, "available: " + names(some));
        };
    }

    private static String names(CudaAvailability.Available some) {
        return some.devices().stream().map(device -> device.properties().name()).collect(Collectors.joining(", "));
    }

    private static BackendState cpu() {
        try {
            CpuLevel chosen = CpuLevel.chosen();
            return new BackendState("cpu", true, "available: " + chosen + " (best here: " + CpuLevel.best() + ")");
        } catch (NativeLibraryException | CpuException unusable) {
            return new BackendState("cpu", false, "not available: " + unusable.getMessage());
        }
    }
}
