package dev.gatun.natives;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Unpacked libraries, each named {@code <SHA-256 of its content>-<file>}, so that versions never meet.
 *
 * @param path a folder that only this user can write to
 */
record LibraryFolder(Path path) {
    /**
     * Returns the file with this content, written anew unless it is there and intact. Several JVMs may do so at once:
     * each writes a file of its own and renames it, so that a half-written library never bears the final name.
     */
    Path place(String file, byte[] content) throws IOException {
        Path library = path.resolve(HexFormat.of().formatHex(sha256(content)) + "-" + file);
        if (!isIntact(library, content)) {
            write(library, content);
        }
        return library;
    }

    private static boolean isIntact(Path library, byte[] content) throws IOException {
        return Files.isRegularFile(library, LinkOption.NOFOLLOW_LINKS)
                && Files.size(library) == content.length
                && MessageDigest.isEqual(sha256(Files.readAllBytes(library)), sha256(content));
    }

    private void write(Path library, byte[] content) throws IOException {
        Path unfinished = Files.createTempFile(path, "unpacking-", ".tmp");
        try {
            try (FileChannel channel = FileChannel.open(unfinished, StandardOpenOption.WRITE)) {
                ByteBuffer left = ByteBuffer.wrap(content);
                while (left.hasRemaining()) {
                    channel.write(left);
                }
                // A rename may reach the disk before the content does, and a crash in between leave an empty library.
                channel.force(true);
            }
            Files.move(unfinished, library, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(unfinished);
        }
    }

    private static byte[] sha256(byte[] content) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(content);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
