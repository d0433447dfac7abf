package dev.gatun.hub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;

/** Plain files in a folder of the user's choice. What is unfinished lies in a folder {@value #RESERVED} in it. */
final class FolderTarget implements Target {
    /** No model's own files may lie there. */
    static final String RESERVED = ".cache";

    private final Path folder;
    private final Path work;

    FolderTarget(Path folder) {
        this.folder = folder;
        this.work = folder.resolve(RESERVED).resolve("gatun");
    }

    @Override
    public void prepare() throws IOException {
        Files.createDirectories(work);
    }

    @Override
    public Path lockFile() {
        return work.resolve("lock");
    }

    /** A name says nothing about a content here, so the content is hashed. */
    @Override
    public boolean has(HubFile file) throws IOException {
        Path place = Folders.place(folder, file.path());
        return Files.isRegularFile(place, LinkOption.NOFOLLOW_LINKS)
                && Files.size(place) == file.size()
                && file.hash().matches(place);
    }

    @Override
    public Path unfinished(HubFile file) {
        UUID place = UUID.nameUUIDFromBytes(file.path().toString().getBytes(StandardCharsets.UTF_8));
        return work.resolve(file.hash().hex() + "-" + place);
    }

    @Override
    public void take(HubFile file, Path received) throws IOException {
        Folders.rename(received, Folders.place(folder, file.path()));
    }

    @Override
    public Path finish(List<HubFile> files) {
        return folder;
    }
}
