package dev.gatun.input;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Reads UTF-8 files that should be small, however large they are. */
public final class TextFile {
    private TextFile() {}

    /** The text of a regular file of at most {@code most} bytes. */
    public static String read(Path file, int most) throws UnusableFileException {
        if (!Files.isRegularFile(file)) {
            throw new UnusableFileException(Quoted.of(file) + ": no such file; download it again");
        }
        try (InputStream stream = Files.newInputStream(file)) {
            byte[] bytes = stream.readNBytes(most);
            if (stream.read() >= 0) {
                throw new UnusableFileException(
                        Quoted.of(file) + ": larger than " + most + " bytes, which no such file is; download it again");
            }
            return decode(file, "it", ByteBuffer.wrap(bytes));
        } catch (UnusableFileException unusable) {
            throw unusable;
        } catch (IOException problem) {
            throw unreadable(file, problem);
        }
    }

    /**
     * Decodes UTF-8 and refuses what is not, instead of guessing.
     *
     * @param what these bytes are of the file, for messages: {@code "its header"}
     */
    public static String decode(Path file, String what, ByteBuffer bytes) throws UnusableFileException {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
        } catch (CharacterCodingException problem) {
            throw new UnusableFileException(
                    Quoted.of(file) + ": " + what + " is not UTF-8; download the file again", problem);
        }
    }

    /** The JSON object that a file of at most {@code most} bytes consists of. */
    public static JsonNode readObject(Path file, int most) throws UnusableFileException {
        JsonNode node;
        try {
            node = StrictJson.tree(read(file, most));
        } catch (JacksonException problem) {
            throw new UnusableFileException(
                    Quoted.of(file) + ": not valid JSON: " + StrictJson.describe(problem) + "; download the file again",
                    problem);
        }
        if (!node.isObject()) {
            throw new UnusableFileException(Quoted.of(file) + ": not a JSON object; download the file again");
        }
        return node;
    }

    /** What to say of a file that cannot be read. */
    public static UnusableFileException unreadable(Path file, IOException problem) {
        return new UnusableFileException(
                Quoted.of(file) + ": cannot be read: " + Quoted.oneLine(problem.toString())
                        + "; check its permissions and the disk",
                problem);
    }
}
