package dev.gatun.checkpoint;

import dev.gatun.input.TextFile;
import dev.gatun.input.UnusableFileException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** Reads the small UTF-8 files of a model folder. */
final class TextFiles {
    private TextFiles() {}

    /** The text of a regular file of at most {@code most} bytes. */
    static String read(Path file, int most) {
        try {
            return TextFile.read(file, most);
        } catch (UnusableFileException problem) {
            throw refused(problem);
        }
    }

    /** Decodes what is so called of a file as UTF-8, and refuses what is not, instead of guessing. */
    static String decode(Path file, String what, ByteBuffer bytes) {
        try {
            return TextFile.decode(file, what, bytes);
        } catch (UnusableFileException problem) {
            throw refused(problem);
        }
    }

    static CheckpointException unreadable(Path file, IOException problem) {
        return refused(TextFile.unreadable(file, problem));
    }

    static CheckpointException refused(UnusableFileException problem) {
        return new CheckpointException(problem.getMessage(), problem);
    }
}
