package dev.gatun.hub;

import dev.gatun.input.Quoted;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Steps on folders that must not be left half done, and must not lead elsewhere. */
final class Folders {
    private Folders() {}

    /**
     * Where a path lies below a folder; makes the folders between.
     *
     * @throws HubException if one of them is a link or a file
     */
    static Path place(Path root, SafePath path) throws IOException {
        Path folder = root;
        for (String name : path.folders()) {
            folder = folder.resolve(name);
            if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
                Files.createDirectory(folder);
            } else if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
                throw new HubException(Quoted.of(folder) + ": a folder is needed here, but this is a file or a link;"
                        + " move it away");
            }
        }
        return folder.resolve(path.name());
    }

    /** Renames a file over another, and brings the new name to the disk. */
    static void rename(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        try (FileChannel folder = FileChannel.open(to.toAbsolutePath().getParent(), StandardOpenOption.READ)) {
            folder.force(true);
        }
    }
}
