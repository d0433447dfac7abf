package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;
import dev.gatun.offload.Overlay;

/**
 * A region of device memory that operations share which never run at the same time: all of them are put into one stream. What
 * one keeps here is undefined once another has run, so nothing may lie here that is to be zero at first, or that the host reads
 * later.
 */
final class OverlaidMemory implements DevicePieces {
    private final DeviceMemory region;
    private final Overlay overlay;

    private OverlaidMemory(DeviceMemory region, Overlay overlay) {
        this.region = region;
        this.overlay = overlay;
    }

    /** Takes a region of so many bytes, which the arena owns. */
    static OverlaidMemory of(DeviceArena arena, long bytes) {
        return new OverlaidMemory(arena.allocate(bytes), new Overlay());
    }

    /** As {@link Overlay#branch}. */
    OverlaidMemory branch() {
        return new OverlaidMemory(region, overlay.branch());
    }

    /** A piece of the region, which has room for all that {@link dev.gatun.offload.ChunkWorkspace} planned. */
    @Override
    public DeviceMemory allocate(long bytes) {
        return region.slice(overlay.place(bytes), bytes);
    }
}
