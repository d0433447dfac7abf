package dev.gatun;

import dev.gatun.cpu.CpuException;
import dev.gatun.cpu.CpuInfo;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.natives.NativeLibraryException;
import java.util.List;

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

    /** The backends that Gatun knows, available or not. */
    public static List<BackendState> backends() {
        return List.of(cpu(), new BackendState("cuda", false, "not available: " + OpenedBackend.NO_CUDA));
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

    private static BackendState cpu() {
        try {
            CpuLevel chosen = CpuLevel.chosen();
            return new BackendState("cpu", true, "available: " + chosen + " (best here: " + CpuLevel.best() + ")");
        } catch (NativeLibraryException | CpuException unusable) {
            return new BackendState("cpu", false, "not available: " + unusable.getMessage());
        }
    }
}
