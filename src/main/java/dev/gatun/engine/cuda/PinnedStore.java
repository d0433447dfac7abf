package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.Rows;
import dev.gatun.quant.ExpertCut;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/**
 * Equal blocks of host memory that a device copies from and to at the link's full speed: page-locked, in pieces of up to
 * 1 GiB, no block in two of them. All bytes are zero at first.
 *
 * <p>Where the system locks no more memory, the remaining blocks are ordinary memory, whose copies are slower and wait
 * until they are done; {@link #shortfall} says so.
 *
 * <p>Any thread may use the blocks; which copy still works on which block is the caller's to keep apart. Closing waits for
 * the copies.
 */
final class PinnedStore implements AutoCloseable {
    /** What the address of a block is a multiple of. */
    static final int ALIGNMENT = 4096;

    private static final long LARGEST_PIECE = 1L << 30;
    private static final double GIB = 1L << 30;

    private final long blockBytes;
    private final List<HostPiece> pieces = new ArrayList<>();
    private final List<Place> places = new ArrayList<>();
    private int pinned;

    /** Where a block lies. */
    private record Place(HostPiece piece, long start) {}

    private PinnedStore(long blockBytes) {
        this.blockBytes = blockBytes;
    }

    /**
     * Allocates a store.
     *
     * @param device whose CUDA locks the memory; every device can copy it
     * @param blocks how many, at least 1
     * @param blockBytes bytes of each, a multiple of {@value #ALIGNMENT}
     * @throws OutOfMemoryError if the system has no such room, locked or not; nothing stays allocated then
     * @throws dev.gatun.cuda.CudaException if CUDA fails for another reason than too little lockable memory; likewise
     */
    static PinnedStore allocate(CudaDevice device, int blocks, long blockBytes) {
        return allocate(PieceAllocator.of(device), blocks, blockBytes);
    }

    /** Allocates a store of what an allocator can pin, and of ordinary memory for the rest. */
    static PinnedStore allocate(PieceAllocator allocator, int blocks, long blockBytes) {
        if (blocks <= 0 || blockBytes <= 0 || blockBytes % ALIGNMENT != 0) {
            throw new IllegalArgumentException(blocks + " blocks of " + blockBytes
                    + " bytes: there must be some, of a positive multiple of " + ALIGNMENT + " bytes");
        }
        PinnedStore store = new PinnedStore(blockBytes);
        try {
            store.pin(allocator, blocks);
            store.addPageable(blocks);
            return store;
        } catch (RuntimeException | Error failure) {
            store.closeAfter(failure);
            throw failure;
        }
    }

    /** As much as the system locks: where it refuses a piece, perhaps it does not refuse a half. */
    private void pin(PieceAllocator allocator, int blocks) {
        int most = blocksOfPiece();
        while (most > 0 && places.size() < blocks) {
            int count = Math.min(most, blocks - places.size());
            Optional<HostPiece> piece = allocator.pinned(count * blockBytes);
            piece.ifPresent(memory -> add(memory, count));
            most = piece.isPresent() ? most : count / 2;
        }
        pinned = places.size();
    }

    private void addPageable(int blocks) {
        while (places.size() < blocks) {
            int count = Math.min(blocksOfPiece(), blocks - places.size());
            add(PageablePiece.allocate(count * blockBytes, ALIGNMENT), count);
        }
    }

    private int blocksOfPiece() {
        return Math.toIntExact(Math.max(1, LARGEST_PIECE / blockBytes));
    }

    private void add(HostPiece piece, int count) {
        pieces.add(piece);
        for (int i = 0; i < count; i++) {
            places.add(new Place(piece, i * blockBytes));
        }
    }

    /** How many blocks there are. */
    int blocks() {
        return places.size();
    }

    /** Blocks that are page-locked: the first ones. */
    int pinnedBlocks() {
        return pinned;
    }

    /** Bytes of each block. */
    long blockBytes() {
        return blockBytes;
    }

    /** One line for people if not all blocks could be page-locked: how much could, and what that costs. */
    Optional<String> shortfall() {
        if (pinned == blocks()) {
            return Optional.empty();
        }
        return Optional.of(String.format(
                Locale.ROOT,
                "host memory: %.1f of %.1f GiB of experts could be pinned; the others are copied at about 7 instead of"
                        + " 52 GB/s, and computing waits for them (raise `ulimit -l` or the container's limit)",
                pinned * blockBytes / GIB,
                blocks() * blockBytes / GIB));
    }

    /** The memory of a block, for any thread, until the store is closed. */
    MemorySegment block(int block) {
        Place place = places.get(block);
        return place.piece.segment().asSlice(place.start, blockBytes);
    }

    /**
     * Copies part of a block to the same place of a slot, in the stream's order.
     *
     * @param offset first byte, in both
     * @param bytes how many
     * @throws IndexOutOfBoundsException if there is no such block, or the range is not inside both memories
     */
    void upload(int block, DeviceMemory slot, long offset, long bytes, CudaStream stream) {
        Place place = places.get(block);
        Objects.checkFromIndexSize(offset, bytes, blockBytes);
        place.piece.upload(place.start + offset, slot, offset, bytes, stream);
    }

    /**
     * Copies the leading parts of a block to the beginning of a slot, packed, in the stream's order.
     *
     * @throws IndexOutOfBoundsException if there is no such block, or the slot is smaller than what is packed
     */
    void upload(int block, ExpertCut cut, int parts, DeviceMemory slot, CudaStream stream) {
        Place place = places.get(block);
        cut.pack(parts, new ExpertCut.Packing() {
            @Override
            public void bytes(long from, long to, long count) {
                place.piece.upload(place.start + from, slot, to, count, stream);
            }

            @Override
            public void rows(long from, long fromPitch, long to, long toPitch, long rowBytes, long count) {
                Rows source = new Rows(place.start + from, fromPitch);
                place.piece.uploadRows(source, slot, new Rows(to, toPitch), rowBytes, count, stream);
            }
        });
    }

    /**
     * Fills a block with the beginning of a slot, in the stream's order.
     *
     * @throws IndexOutOfBoundsException if there is no such block, or the slot is smaller than one
     */
    void download(DeviceMemory slot, int block, CudaStream stream) {
        Place place = places.get(block);
        place.piece.download(slot, place.start, blockBytes, stream);
    }

    /**
     * Waits for the copies and frees all blocks, whatever fails on the way. Calling it again does nothing.
     *
     * @throws RuntimeException the first failure, with the others behind it
     */
    @Override
    public void close() {
        RuntimeException failure = closePieces();
        if (failure != null) {
            throw failure;
        }
    }

    private void closeAfter(Throwable cause) {
        RuntimeException failure = closePieces();
        if (failure != null) {
            cause.addSuppressed(failure);
        }
    }

    /** Returns the first failure, or null if there was none. */
    private RuntimeException closePieces() {
        RuntimeException first = null;
        for (HostPiece piece : pieces.reversed()) {
            try {
                piece.close();
            } catch (RuntimeException failure) {
                if (first == null) {
                    first = failure;
                } else {
                    first.addSuppressed(failure);
                }
            }
        }
        pieces.clear();
        return first;
    }
}
