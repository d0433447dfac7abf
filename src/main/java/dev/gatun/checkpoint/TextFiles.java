package dev.gatun.checkpoint;

import dev.gatun.input.Quoted;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads the small UTF-8 files of a model folder. */
final class TextFiles {
    private TextFiles() {}

    /** The text of a regular file of at most {@code most} bytes. */
    static String read(Path file, int most) {
        if (!Files.isRegularFile(file)) {
            throw new CheckpointException(Quoted.of(file) + ": no such file; download it again");
        }
        try (InputStream stream = Files.newInputStream(file)) {
            byte[] bytes = stream.readNBytes(most);
            if (stream.read() >= 0) {
                throw new CheckpointException(
                        Quoted.of(file) + ": larger than " + most + " bytes, which no such file is; download it again");
            }
            return decode(file, ByteBuffer.wrap(bytes));
        } catch (IOException problem) {
            throw unreadable(file, problem);
        }
    }

    /** Decodes UTF-8 and refuses what is not, instead of guessing. */
    static String decode(Path file, ByteBuffer bytes) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
        } catch (CharacterCodingException problem) {
            throw new CheckpointException(
                    Quoted.of(file) + ": its JSON is not UTF-8; download the file again", problem);
        }
    }

    static CheckpointException unreadable(Path file, IOException problem) {
        return new CheckpointException(
                Quoted.of(file) + ": cannot be read: " + Quoted.oneLine(problem.toString())
                        + "; check its permissions and the disk",
                problem);
    }
}
