package dev.gatun.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;

/**
 * A file that is there whole or not at all, whenever the power fails: it is written under a temporary name, brought to the
 * disk, and then renamed. What it consists of is hashed on its way.
 */
final class DurableFile implements AutoCloseable {
    /** Behind the name of a file that is not finished; nobody trusts it. */
    static final String UNFINISHED = ".part";

    private final Path file;
    private final Path temporary;
    private final FileChannel channel;
    private final MessageDigest digest = Checksums.sha256();

    private DurableFile(Path file, Path temporary, FileChannel channel) {
        this.file = file;
        this.temporary = temporary;
        this.channel = channel;
    }

    /** Begins a file; whatever a run before left unfinished of it is overwritten. */
    static DurableFile begin(Path file) throws IOException {
        Path temporary = file.resolveSibling(file.getFileName() + UNFINISHED);
        return new DurableFile(
                file,
                temporary,
                FileChannel.open(
                        temporary,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE));
    }

    /** A whole file at once; returns its SHA-256 in hexadecimal digits. */
    static String write(Path file, byte[] bytes) throws IOException {
        try (DurableFile begun = begin(file)) {
            begun.append(ByteBuffer.wrap(bytes));
            return begun.finish();
        }
    }

    /** Writes all that remains of a buffer. */
    void append(ByteBuffer bytes) throws IOException {
        digest.update(bytes.duplicate());
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Makes it the file of its name; returns the SHA-256 of its bytes in hexadecimal digits. */
    String finish() throws IOException {
        channel.force(true);
        channel.close();
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        try (FileChannel folder = FileChannel.open(file.toAbsolutePath().getParent(), StandardOpenOption.READ)) {
            folder.force(true);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** Gives up what is not finished. */
    @Override
    public void close() throws IOException {
        channel.close();
        Files.deleteIfExists(temporary);
    }
}
