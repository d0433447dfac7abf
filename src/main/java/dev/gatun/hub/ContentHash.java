package dev.gatun.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.regex.Pattern;

/**
 * What a file's content must hash to.
 *
 * @param kind how it is computed
 * @param hex in lower-case digits
 */
record ContentHash(Kind kind, String hex) {
    private static final int BUFFER_BYTES = 1 << 20;
    private static final Pattern HEX = Pattern.compile("[0-9a-f]+");

    /** How a hub hashes. */
    enum Kind {
        /** Of a large file's content. */
        SHA256("SHA-256", 64),
        /** Of a small file, as Git does: SHA-1 of a header with the length, and the content. */
        GIT_BLOB("SHA-1", 40);

        final String algorithm;
        final int digits;

        Kind(String algorithm, int digits) {
            this.algorithm = algorithm;
            this.digits = digits;
        }
    }

    /** The hash of these digits; nothing if they are not such digits. */
    static Optional<ContentHash> of(Kind kind, String hex) {
        boolean right = hex.length() == kind.digits && HEX.matcher(hex).matches();
        return right ? Optional.of(new ContentHash(kind, hex)) : Optional.empty();
    }

    /** Whether the file's content has this hash; an interrupt of the thread ends the reading with an exception. */
    boolean matches(Path file) throws IOException {
        return matches(file, read -> {});
    }

    /**
     * Whether the file's content has this hash, with reports on the way; an interrupt ends it likewise.
     *
     * @param progress hears of bytes that were read
     */
    boolean matches(Path file, LongConsumer progress) throws IOException {
        MessageDigest digest = digest();
        if (kind == Kind.GIT_BLOB) {
            digest.update(("blob " + Files.size(file) + "\0").getBytes(StandardCharsets.US_ASCII));
        }
        byte[] buffer = new byte[BUFFER_BYTES];
        try (InputStream content = Files.newInputStream(file)) {
            for (int read = content.read(buffer); read >= 0; read = content.read(buffer)) {
                digest.update(buffer, 0, read);
                progress.accept(read);
            }
        }
        return HexFormat.of().formatHex(digest.digest()).equals(hex);
    }

    private MessageDigest digest() {
        try {
            return MessageDigest.getInstance(kind.algorithm);
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError("every Java platform has " + kind.algorithm, impossible);
        }
    }
}
