package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;

/**
 * A slower link than the machine has, simulated by {@code pace.cu}: each copy holds its stream as long as it would take there,
 * without moving more bytes. Each direction has the whole rate to itself, as on PCIe, whether the other is busy or not. A link
 * that is slower anyhow stays as it is.
 */
final class PacedLink {
    /** Blocks of one warp that may be resident at any time, one a direction: whatever fills the device leaves room for them. */
    static final int BLOCKS = 2;

    private static final LaunchShape ONE_THREAD = LaunchShape.of(1, 1);
    private static final double NANOS = 1e9;

    private final double rate;
    private final Lane uploads;
    private final Lane downloads;

    /**
     * Loads the kernels.
     *
     * @param uploads the stream of copies to the device
     * @param downloads that of copies back; may be the same
     * @param rate bytes a second each way, more than 0
     */
    PacedLink(KernelLibrary kernels, DeviceArena memory, CudaStream uploads, CudaStream downloads, double rate) {
        if (!(rate > 0)) {
            throw new IllegalArgumentException("a link of " + rate + " bytes a second");
        }
        this.rate = rate;
        this.uploads = new Lane(kernels, memory, uploads);
        this.downloads = new Lane(kernels, memory, downloads);
    }

    /** Holds the stream of uploads as long as what {@code copies} puts into it, so many bytes, would take. */
    void upload(long bytes, Runnable copies) {
        uploads.hold(nanos(bytes), copies);
    }

    /** Likewise for the stream of downloads. */
    void download(long bytes, Runnable copies) {
        downloads.hold(nanos(bytes), copies);
    }

    private long nanos(long bytes) {
        return (long) Math.ceil(bytes / rate * NANOS);
    }

    /** One direction. */
    private static final class Lane {
        private final CudaStream stream;
        private final KernelArguments begin;
        private final KernelArguments end;

        Lane(KernelLibrary kernels, DeviceArena memory, CudaStream stream) {
            DeviceMemory begun = memory.allocate(Long.BYTES);
            this.stream = stream;
            this.begin = kernels.find("pace", "gatun_pace_begin").set(0, begun);
            this.end = kernels.find("pace", "gatun_pace_end").set(0, begun);
        }

        void hold(long nanos, Runnable copies) {
            begin.kernel().launch(ONE_THREAD, begin, stream);
            copies.run();
            end.set(1, nanos);
            end.kernel().launch(ONE_THREAD, end, stream);
        }
    }
}
