package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaModule;
import dev.gatun.cuda.KernelArguments;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The kernels of {@code kernels/} on one device. A source's fatbin is loaded when the first of its entry points is asked
 * for; that is at start, since loading may wait for all work on the device.
 */
public final class KernelLibrary implements AutoCloseable {
    private static final String FOLDER = "/dev/gatun/natives/kernels/";

    private final CudaDevice device;
    private final Map<String, CudaModule> modules = new HashMap<>();
    private final List<KernelArguments> arguments = new ArrayList<>();

    /** A library that has loaded nothing yet; whoever makes it closes it, when nothing of it is in flight. */
    public KernelLibrary(CudaDevice device) {
        this.device = device;
    }

    /** Whether this build of Gatun has kernels: one without nvcc has none. */
    static boolean isPresent() {
        return KernelLibrary.class.getResource(FOLDER + "route.fatbin") != null;
    }

    /** The device that they are for. */
    public CudaDevice device() {
        return device;
    }

    /**
     * An entry point with room for its arguments, which this library closes.
     *
     * @param source the {@code .cu} file's name without its ending
     * @param entry the entry point's name
     * @throws dev.gatun.cuda.CudaException if the device cannot load it
     * @throws IllegalStateException if this build has no such kernel
     */
    public KernelArguments find(String source, String entry) {
        KernelArguments found =
                modules.computeIfAbsent(source, this::load).kernel(entry).newArguments();
        arguments.add(found);
        return found;
    }

    /** Has the driver keep as much local memory as the kernels found so far need, and no more: it is taken from experts. */
    void limitLocalMemory() {
        device.keepLocalMemory(arguments.stream()
                .mapToLong(found -> found.kernel().attributes().localMemory())
                .max()
                .orElse(0));
    }

    private CudaModule load(String source) {
        try (InputStream fatbin = KernelLibrary.class.getResourceAsStream(FOLDER + source + ".fatbin")) {
            if (fatbin == null) {
                throw new IllegalStateException("kernel `" + source + "` is missing from this build of Gatun");
            }
            return CudaModule.load(device, fatbin.readAllBytes());
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    @Override
    public void close() {
        arguments.forEach(KernelArguments::close);
        modules.values().forEach(CudaModule::close);
    }
}
