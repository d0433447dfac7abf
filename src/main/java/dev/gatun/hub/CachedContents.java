package dev.gatun.hub;

import dev.gatun.checkpoint.CheckpointException;
import dev.gatun.checkpoint.FileSums;
import dev.gatun.input.TextFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import java.util.stream.Stream;

/** What a model's files in a hub's cache should be: each is a link to a content that is named by its hash. See {@link HubCache}. */
public final class CachedContents implements FileSums {
    private final SequencedMap<String, ContentHash> hashes;

    private CachedContents(SequencedMap<String, ContentHash> hashes) {
        this.hashes = hashes;
    }

    /** Those of a model's folder; empty if it has a file that is no such link, or none at all. */
    public static Optional<CachedContents> of(Path folder) {
        SequencedMap<String, ContentHash> hashes = new TreeMap<>();
        try (Stream<Path> all = Files.walk(folder)) {
            // Not all of them where the first tells that this is no cache.
            for (Iterator<Path> files = all.iterator(); files.hasNext(); ) {
                Path file = files.next();
                if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
                    continue;
                }
                Optional<ContentHash> hash = hash(file);
                if (hash.isEmpty()) {
                    return Optional.empty();
                }
                hashes.put(folder.relativize(file).toString(), hash.get());
            }
        } catch (IOException | UncheckedIOException unreadable) {
            return Optional.empty();
        }
        return hashes.isEmpty() ? Optional.empty() : Optional.of(new CachedContents(hashes));
    }

    private static Optional<ContentHash> hash(Path file) throws IOException {
        if (!Files.isSymbolicLink(file)) {
            return Optional.empty();
        }
        String content = Files.readSymbolicLink(file).getFileName().toString();
        return ContentHash.of(ContentHash.Kind.SHA256, content)
                .or(() -> ContentHash.of(ContentHash.Kind.GIT_BLOB, content));
    }

    @Override
    public List<String> files() {
        return List.copyOf(hashes.keySet());
    }

    @Override
    public boolean matches(Path folder, String name, LongConsumer progress) {
        Path file = folder.resolve(name);
        try {
            return Files.isRegularFile(file) && hashes.get(name).matches(file, progress);
        } catch (IOException problem) {
            throw new CheckpointException(TextFile.unreadable(file, problem).getMessage(), problem);
        }
    }

    @Override
    public String source() {
        return "the hub's cache";
    }

    @Override
    public String mend() {
        return "delete what these links lead to, and run gatun pull again";
    }
}
