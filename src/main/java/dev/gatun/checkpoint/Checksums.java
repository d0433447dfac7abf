package dev.gatun.checkpoint;

import dev.gatun.input.Quoted;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The SHA-256 of the files of a model, from {@code SHA256SUMS}, which {@code sha256sum -c SHA256SUMS} reads as well.
 *
 * @param sums 64 hexadecimal digits by file name, in the order of the names
 */
public record Checksums(SequencedMap<String, String> sums) implements FileSums {
    /** The file. */
    static final String NAME = "SHA256SUMS";

    private static final int LONGEST = 1 << 24;
    private static final int PIECE = 1 << 20;
    /** A star instead of the second space is how {@code sha256sum -b} says that it read bytes. */
    private static final Pattern LINE = Pattern.compile("([0-9a-f]{64}) [ *](.+)");

    public Checksums {
        sums = Collections.unmodifiableSequencedMap(new TreeMap<>(sums));
    }

    static Checksums none() {
        return new Checksums(new TreeMap<>());
    }

    /**
     * Reads those of a folder; empty if it has none.
     *
     * @throws CheckpointException if the file cannot be read, or has a line that is none of this kind
     */
    public static Optional<Checksums> read(Path folder) {
        Path file = folder.resolve(NAME);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        SequencedMap<String, String> sums = new TreeMap<>();
        for (String line : TextFiles.read(file, LONGEST).lines().toList()) {
            Matcher matcher = LINE.matcher(line);
            if (!matcher.matches()
                    || FolderFile.resolve(folder, matcher.group(2)).isEmpty()) {
                throw new CheckpointException(
                        Quoted.of(file) + ": " + Quoted.of(line)
                                + " is not a SHA-256, two spaces and the name of a file in this folder; download the file again");
            }
            sums.put(matcher.group(2), matcher.group(1));
        }
        return Optional.of(new Checksums(sums));
    }

    /** These and one more. */
    Checksums with(String name, String sum) {
        SequencedMap<String, String> more = new TreeMap<>(sums);
        more.put(name, sum);
        return new Checksums(more);
    }

    /** Writes them, whole or not at all. */
    void write(Path folder) throws IOException {
        StringBuilder lines = new StringBuilder();
        sums.forEach((name, sum) -> lines.append(sum).append("  ").append(name).append('\n'));
        DurableFile.write(folder.resolve(NAME), lines.toString().getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public List<String> files() {
        return List.copyOf(sums.keySet());
    }

    @Override
    public String source() {
        return NAME;
    }

    @Override
    public String mend() {
        return "get these files again";
    }

    @Override
    public boolean matches(Path folder, String name, LongConsumer progress) {
        Path file = folder.resolve(name);
        return Files.isRegularFile(file) && of(file, progress).equals(sums.get(name));
    }

    /** The SHA-256 of a file in hexadecimal digits. */
    static String of(Path file, LongConsumer progress) {
        MessageDigest digest = sha256();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
            while (channel.read(piece) >= 0) {
                piece.flip();
                progress.accept(piece.remaining());
                digest.update(piece);
                piece.clear();
            }
        } catch (IOException problem) {
            throw TextFiles.unreadable(file, problem);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** The SHA-256 of bytes in hexadecimal digits. */
    static String of(byte[] bytes) {
        return HexFormat.of().formatHex(sha256().digest(bytes));
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every Java platform has SHA-256", impossible);
        }
    }
}
