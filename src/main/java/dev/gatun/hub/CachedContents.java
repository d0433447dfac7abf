package dev.gatun.hub;

import dev.gatun.checkpoint.CheckpointException;
import dev.gatun.checkpoint.FileSums;
import dev.gatun.input.TextFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.LongConsumer;

/**
 * What a model's files in a hub's cache should be: each is a link to a content that is named by its hash. See {@link HubCache}.
 */
public final class CachedContents implements FileSums {
    private final SequencedMap<String, ContentHash> hashes;

    private CachedContents(SequencedMap<String, ContentHash> hashes) {
        this.hashes = hashes;
    }

    /**
     * Those of a model's folder, or of what a link to one leads to; empty if it has a file that is no such link, or none at all.
     *
     * @throws CheckpointException if something in it cannot be read, and nothing else tells that this is no cache
     */
    public static Optional<CachedContents> of(Path folder) {
        if (!Files.isDirectory(folder)) {
            return Optional.empty();
        }
        try {
            CachedLinks links = new CachedLinks(folder.toRealPath());
            Files.walkFileTree(links.folder(), links);
            return links.hashes().map(CachedContents::new);
        } catch (IOException problem) {
            throw unreadable(folder, problem);
        }
    }

    private static CheckpointException unreadable(Path file, IOException problem) {
        return new CheckpointException(TextFile.unreadable(file, problem).getMessage(), problem);
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
            throw unreadable(file, problem);
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
