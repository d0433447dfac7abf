package dev.gatun.checkpoint;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;

/** Names of files that a file names: those must not lead out of its folder. */
final class FolderFile {
    private FolderFile() {}

    /** The file of a folder with this name; empty if the name is no plain one. */
    static Optional<Path> resolve(Path folder, String name) {
        try {
            Path path = Path.of(name);
            boolean plain = path.getNameCount() == 1 && !path.isAbsolute() && !name.equals("..") && !name.equals(".");
            return plain && !name.isBlank() ? Optional.of(folder.resolve(path)) : Optional.empty();
        } catch (InvalidPathException impossible) {
            return Optional.empty();
        }
    }
}
