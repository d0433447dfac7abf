package dev.gatun.fuzz;

import java.io.IOException;
import java.nio.file.Path;

/** A kind of file that Gatun reads: how good ones are made, how they are damaged, and how Gatun reads them. */
public interface Format {
    /** What the command line calls it. */
    String name();

    /** Writes good files into an empty folder, the same for the same seed. */
    void write(Path folder, long seed) throws IOException;

    /** Whether a file of this name is one to damage; the others stay as they are. */
    boolean damages(String file);

    /** How it is damaged. */
    Mutation damage(String file);

    /**
     * Reads the files, and uses what can be read: whatever they hold, it ends soon, and leaves the folder as it is.
     *
     * @throws RuntimeException to refuse them
     */
    void use(Path folder) throws IOException;

    /** Whether this is one of the exceptions that are documented to say that the files cannot be used. */
    boolean isRefusal(Throwable thrown);

    /** What the message of each refusal names. */
    default String named(Path folder) {
        return folder.toString();
    }
}
