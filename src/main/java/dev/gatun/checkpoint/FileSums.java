package dev.gatun.checkpoint;

import java.nio.file.Path;
import java.util.List;
import java.util.function.LongConsumer;

/** What the files of a model should be. */
public interface FileSums {
    /** The files whose sums are known, by name in the model's folder. */
    List<String> files();

    /**
     * Whether a file is there and is what it should be.
     *
     * @param name one of {@link #files}
     * @param progress hears of bytes that were read
     * @throws CheckpointException if it is there and cannot be read
     */
    boolean matches(Path folder, String name, LongConsumer progress);

    /** Where that stands, for people. */
    String source();

    /** What to do about files that are others, for people. */
    String mend();
}
