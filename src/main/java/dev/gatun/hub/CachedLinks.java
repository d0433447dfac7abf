package dev.gatun.hub;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;

/** Collects the hashes that the links of a folder lead to, until a file is no such link. */
final class CachedLinks extends SimpleFileVisitor<Path> {
    private final Path folder;
    private final SequencedMap<String, ContentHash> hashes = new TreeMap<>();
    private Optional<IOException> unreadable = Optional.empty();
    private boolean isOther;

    /** @param folder no link itself */
    CachedLinks(Path folder) {
        this.folder = folder;
    }

    Path folder() {
        return folder;
    }

    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
        Optional<ContentHash> hash = attributes.isSymbolicLink() ? hash(file) : Optional.empty();
        hash.ifPresent(some -> hashes.put(folder.relativize(file).toString(), some));
        isOther = hash.isEmpty();
        return isOther ? FileVisitResult.TERMINATE : FileVisitResult.CONTINUE;
    }

    private static Optional<ContentHash> hash(Path link) throws IOException {
        // The root of all files has no name.
        return Optional.ofNullable(Files.readSymbolicLink(link).getFileName())
                .map(Path::toString)
                .flatMap(content -> ContentHash.of(ContentHash.Kind.SHA256, content)
                        .or(() -> ContentHash.of(ContentHash.Kind.GIT_BLOB, content)));
    }

    /** A later file may tell that this is no cache, and then it does not matter. */
    @Override
    public FileVisitResult visitFileFailed(Path file, IOException problem) {
        unreadable = unreadable.or(() -> Optional.of(problem));
        return FileVisitResult.CONTINUE;
    }

    /**
     * By path within the folder, once all was visited; empty if a file is no such link, or there is none.
     *
     * @throws IOException if a folder could not be read
     */
    Optional<SequencedMap<String, ContentHash>> hashes() throws IOException {
        if (isOther) {
            return Optional.empty();
        }
        if (unreadable.isPresent()) {
            throw unreadable.get();
        }
        return hashes.isEmpty() ? Optional.empty() : Optional.of(hashes);
    }
}
