package dev.gatun.natives;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * A folder that nobody else can write to: a real directory, owned by this process's user, open to nobody but the owner.
 *
 * @param path the folder
 */
record OwnFolder(Path path) {
    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rwx------");

    /**
     * Opens a folder, makes it (with its parents) if there is none, and takes it from the group and others.
     *
     * @throws IOException if it cannot be made, is a symbolic link, or belongs to somebody else
     */
    static OwnFolder open(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            Files.createDirectories(path.getParent());
            create(path);
        }
        requireOurs(path);
        if (!Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS).equals(OWNER_ONLY)) {
            Files.setPosixFilePermissions(path, OWNER_ONLY);
        }
        return new OwnFolder(path);
    }

    /** Opens a folder in this one, in the same way. */
    OwnFolder open(String name) throws IOException {
        return open(path.resolve(name));
    }

    private static void create(Path path) throws IOException {
        try {
            Files.createDirectory(path, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
        } catch (FileAlreadyExistsException e) {
            // Another JVM was faster; what it made is checked like any other folder.
            if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
                throw e;
            }
        }
    }

    private static void requireOurs(Path path) throws IOException {
        if (!Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException("`" + path + "` is not trusted: it is a link or a file, not a folder");
        }
        Object owner = Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        Object self = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        if (!owner.equals(self)) {
            throw new IOException("`" + path + "` is not trusted: it belongs to user " + owner + ", not " + self);
        }
    }
}
