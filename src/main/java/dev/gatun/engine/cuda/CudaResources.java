package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;

/** What a backend holds of the device. Closed in the reverse order of opening, after all work in the stream. */
final class CudaResources implements AutoCloseable {
    private static final long WEIGHT_CHUNK = 64L << 20;

    private final Holdings holdings = new Holdings();
    private final CudaStream stream;
    private final DeviceArena arena;
    private final DeviceArena temporary;
    private final KernelLibrary kernels;
    private final UploadRing uploads;
    private final LogitsDownload download;

    private CudaResources(CudaDevice device, MixtralConfig config, int maxChunk) {
        try {
            stream = remember(CudaStream.open(device));
            arena = remember(new DeviceArena(device, WEIGHT_CHUNK));
            temporary = remember(new DeviceArena(device, 1));
            kernels = remember(new KernelLibrary(device));
            uploads = remember(new UploadRing(device, stream, maxChunk * Integer.BYTES));
            download = remember(new LogitsDownload(device, stream, config.vocabularySize(), config.layers() + 1));
        } catch (RuntimeException | Error failure) {
            closeAfter(failure);
            throw failure;
        }
    }

    static CudaResources open(CudaDevice device, MixtralConfig config, int maxChunk) {
        return new CudaResources(device, config, maxChunk);
    }

    /** Closes it with the rest. */
    <T extends AutoCloseable> T remember(T resource) {
        return holdings.remember(resource);
    }

    CudaStream stream() {
        return stream;
    }

    /** Memory for as long as the backend is open. */
    DeviceArena arena() {
        return arena;
    }

    KernelLibrary kernels() {
        return kernels;
    }

    UploadRing uploads() {
        return uploads;
    }

    LogitsDownload download() {
        return download;
    }

    /** Rows that are valid until the next call. */
    DeviceFloats temporaryRows(int rows, int columns) {
        temporary.close();
        return DeviceFloats.allocate(temporary, rows, columns);
    }

    /** Closes, and adds what goes wrong to a failure. */
    void closeAfter(Throwable failure) {
        holdings.closeAfter(failure);
    }

    @Override
    public void close() {
        holdings.close();
    }
}
