package dev.gatun.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file that is being received in parts, by several threads, under a name that nobody takes for the finished one. */
final class PartialFile implements AutoCloseable {
    private static final String DATA = ".gatun.incomplete";
    private static final String JOURNAL = ".gatun.parts";

    private final Path data;
    private final Path journalFile;
    private final FileChannel channel;
    private final PartJournal journal;

    private PartialFile(Path data, Path journalFile, FileChannel channel, PartJournal journal) {
        this.data = data;
        this.journalFile = journalFile;
        this.channel = channel;
        this.journal = journal;
    }

    /** Begins a file or goes on with it. {@code base} is a path without the ending that marks it as unfinished. */
    static PartialFile open(Path base, long size, long partBytes) throws IOException {
        Path data = withEnding(base, DATA);
        Path journalFile = withEnding(base, JOURNAL);
        if (!Files.exists(data)) {
            Files.deleteIfExists(journalFile);
        }
        FileChannel channel = FileChannel.open(data, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            return new PartialFile(data, journalFile, channel, PartJournal.open(journalFile, size, partBytes));
        } catch (IOException | RuntimeException failure) {
            channel.close();
            throw failure;
        }
    }

    /** Bytes that an earlier run has received. */
    static long received(Path base, long size, long partBytes) throws IOException {
        return Files.exists(withEnding(base, DATA))
                ? PartJournal.received(withEnding(base, JOURNAL), size, partBytes)
                : 0;
    }

    private static Path withEnding(Path base, String ending) {
        return base.resolveSibling(base.getFileName() + ending);
    }

    ByteRange missing(int part) {
        return journal.missing(part);
    }

    /** Puts the first {@code length} bytes where they are missing of a part. */
    void append(int part, byte[] bytes, int length) throws IOException {
        long position = journal.missing(part).from();
        ByteBuffer left = ByteBuffer.wrap(bytes, 0, length);
        while (left.hasRemaining()) {
            position += channel.write(left, position);
        }
        journal.add(part, length);
    }

    /** Brings everything to the disk. Returns where it lies, for a rename; {@link #forget} belongs after that. */
    Path complete() throws IOException {
        channel.force(true);
        return data;
    }

    /** Removes what is left of it. */
    void forget() throws IOException {
        close();
        Files.deleteIfExists(data);
        Files.deleteIfExists(journalFile);
    }

    @Override
    public void close() throws IOException {
        try (channel) {
            journal.close();
        }
    }
}
