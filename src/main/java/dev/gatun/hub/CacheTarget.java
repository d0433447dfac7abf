package dev.gatun.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** The hub's cache. A model's links appear when all contents are there, and its revision after them. */
final class CacheTarget implements Target {
    private final HubCache cache;
    private final ModelReference model;
    private final String commit;

    CacheTarget(HubCache cache, ModelReference model, String commit) {
        this.cache = cache;
        this.model = model;
        this.commit = commit;
    }

    @Override
    public void prepare() throws IOException {
        Files.createDirectories(cache.blobs(model));
        Files.createDirectories(cache.refs(model));
        Files.createDirectories(cache.snapshot(model, commit));
        Files.createDirectories(cache.locks(model));
    }

    @Override
    public Path lockFile() {
        return cache.locks(model).resolve("gatun.lock");
    }

    /** Whoever gave a content its hash for a name has compared them. */
    @Override
    public boolean has(HubFile file) throws IOException {
        return Files.isRegularFile(blob(file)) && Files.size(blob(file)) == file.size();
    }

    @Override
    public Path unfinished(HubFile file) {
        return blob(file);
    }

    @Override
    public void take(HubFile file, Path received) throws IOException {
        Folders.rename(received, blob(file));
    }

    private Path blob(HubFile file) {
        return cache.blobs(model).resolve(file.hash().hex());
    }

    @Override
    public Path finish(List<HubFile> files) throws IOException {
        Path snapshot = cache.snapshot(model, commit);
        for (HubFile file : files) {
            link(Folders.place(snapshot, file.path()), blob(file));
        }
        if (!HubCache.isCommit(model.revision())) {
            SafePath revision = SafePath.of(model.revision()).orElseThrow();
            write(Folders.place(cache.refs(model), revision), commit);
        }
        return snapshot;
    }

    private static void link(Path link, Path blob) throws IOException {
        Path target = link.getParent().relativize(blob);
        boolean there =
                Files.isSymbolicLink(link) && Files.readSymbolicLink(link).equals(target);
        if (there) {
            return;
        }
        Path temporary = unused(link);
        try {
            Folders.rename(Files.createSymbolicLink(temporary, target), link);
        } catch (UnsupportedOperationException noLinks) {
            throw new HubException(link + ": this file system has no links; download with --dir DIR", noLinks);
        }
    }

    private static void write(Path file, String text) throws IOException {
        Path temporary = unused(file);
        try (FileChannel channel =
                FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
            channel.force(true);
        }
        Folders.rename(temporary, file);
    }

    /** A name beside a file; whatever a run that was killed left there is removed. */
    private static Path unused(Path file) throws IOException {
        Path temporary = file.resolveSibling(file.getFileName() + ".gatun.tmp");
        if (Files.exists(temporary, LinkOption.NOFOLLOW_LINKS)) {
            Files.delete(temporary);
        }
        return temporary;
    }
}
