package dev.gatun.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * How much of each part of a file has been received, on disk, so that a later run goes on from there. Big-endian 64-bit
 * numbers:
 *
 * <pre>
 * 0   "GATUNPT1"
 * 8   bytes of the whole file
 * 16  bytes of a part; the last part may be shorter
 * 24  bytes received of part 0, of part 1, ...
 * </pre>
 *
 * <p>It may be wrong after a power failure: what was put together by it is hashed before it counts.
 */
final class PartJournal implements AutoCloseable {
    private static final long MAGIC = 0x474154554e505431L;
    private static final int HEADER = 3 * Long.BYTES;

    private final FileChannel channel;
    private final long size;
    private final long partBytes;
    private final long[] received;

    private PartJournal(FileChannel channel, long size, long partBytes, long[] received) {
        this.channel = channel;
        this.size = size;
        this.partBytes = partBytes;
        this.received = received;
    }

    /** Opens the journal of a file of {@code size} bytes; begins it anew unless it is one of the same sizes. */
    static PartJournal open(Path file, long size, long partBytes) throws IOException {
        FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            PartJournal journal =
                    new PartJournal(channel, size, partBytes, new long[Math.toIntExact(parts(size, partBytes))]);
            if (!journal.load()) {
                journal.begin();
            }
            return journal;
        } catch (IOException | RuntimeException failure) {
            channel.close();
            throw failure;
        }
    }

    /** Bytes that a file's journal says were received; none if there is no usable journal. */
    static long received(Path file, long size, long partBytes) throws IOException {
        if (!Files.exists(file)) {
            return 0;
        }
        try (PartJournal journal = open(file, size, partBytes)) {
            return Arrays.stream(journal.received).sum();
        }
    }

    /** An empty file has a part too. */
    static long parts(long size, long partBytes) {
        return Math.max(1, Math.ceilDiv(size, partBytes));
    }

    /** The piece of the file that is still missing of a part. */
    synchronized ByteRange missing(int part) {
        long begin = part * partBytes;
        return new ByteRange(begin + received[part], begin + length(part));
    }

    /** Records that more bytes of a part are in the file. */
    synchronized void add(int part, int bytes) throws IOException {
        received[part] += bytes;
        write(HEADER + (long) part * Long.BYTES, received[part]);
    }

    private long length(int part) {
        return Math.min(partBytes, size - part * partBytes);
    }

    private boolean load() throws IOException {
        ByteBuffer all = ByteBuffer.allocate(HEADER + received.length * Long.BYTES);
        if (channel.size() != all.capacity()) {
            return false;
        }
        for (int read = 0; all.hasRemaining() && read >= 0; ) {
            read = channel.read(all, all.position());
        }
        all.flip();
        if (all.limit() < all.capacity()
                || all.getLong() != MAGIC
                || all.getLong() != size
                || all.getLong() != partBytes) {
            return false;
        }
        all.asLongBuffer().get(received);
        for (int part = 0; part < received.length; part++) {
            if (received[part] < 0 || received[part] > length(part)) {
                return false;
            }
        }
        return true;
    }

    private void begin() throws IOException {
        Arrays.fill(received, 0);
        channel.truncate(0);
        write(0, MAGIC);
        write(Long.BYTES, size);
        write(2L * Long.BYTES, partBytes);
        for (int part = 0; part < received.length; part++) {
            write(HEADER + (long) part * Long.BYTES, 0);
        }
    }

    private void write(long position, long value) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).putLong(value).flip();
        channel.write(bytes, position);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
