package dev.gatun.checkpoint;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * One expert's block of tiles as it lies in a file.
 *
 * @param file the file
 * @param offset where the block begins in it, a multiple of {@link dev.gatun.quant.ExpertBlock#ALIGNMENT}
 * @param bytes the block, mapped, at an address that is such a multiple as well; lives as long as the checkpoint is open
 */
public record StoredBlock(Path file, long offset, MemorySegment bytes) {
    /** What is read at once: more than an expert of any model there is; a buffer cannot hold 2 GiB. */
    private static final long PIECE = 1L << 30;

    /**
     * Reads the block with as few system calls as there can be, where copying from the mapping would take a page fault for
     * every few pages. Any number of threads may read at once.
     *
     * @param target as many bytes, outside the heap
     * @throws CheckpointException if the file cannot be read, or has been cut short
     */
    public void readInto(MemorySegment target) {
        if (target.byteSize() != bytes.byteSize()) {
            throw new IllegalArgumentException(
                    "a block of " + bytes.byteSize() + " bytes into " + target.byteSize() + " bytes");
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            for (long at = 0; at < target.byteSize(); at += PIECE) {
                MemorySegment piece = target.asSlice(at, Math.min(PIECE, target.byteSize() - at));
                read(channel, offset + at, piece.asByteBuffer());
            }
        } catch (IOException problem) {
            throw TextFiles.unreadable(file, problem);
        }
    }

    private static void read(FileChannel channel, long from, ByteBuffer piece) throws IOException {
        while (piece.hasRemaining()) {
            if (channel.read(piece, from + piece.position()) < 0) {
                throw new EOFException("the file ends within an expert");
            }
        }
    }
}
