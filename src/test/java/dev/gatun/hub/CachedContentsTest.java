package dev.gatun.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.gatun.checkpoint.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CachedContentsTest {
    /** Of the text {@code abc}, as everybody knows. */
    private static final String HASH = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    @TempDir
    Path cache;

    private Path snapshot;

    @BeforeEach
    void store() throws IOException {
        snapshot = Files.createDirectories(cache.resolve("snapshots/1"));
        Files.createDirectories(cache.resolve("blobs"));
        Files.writeString(cache.resolve("blobs").resolve(HASH), "abc");
        Files.createSymbolicLink(snapshot.resolve("config.json"), Path.of("../../blobs", HASH));
        Path part = Files.createDirectory(snapshot.resolve("part"));
        Files.createSymbolicLink(part.resolve("more.json"), Path.of("../../../blobs", HASH));
    }

    @Test
    void aLinkToASnapshotIsThatSnapshot() throws IOException {
        Path link = Files.createSymbolicLink(cache.resolve("link"), snapshot);
        for (Path folder : new Path[] {snapshot, link}) {
            CachedContents contents = CachedContents.of(folder).orElseThrow();
            assertThat(contents.files()).containsExactly("config.json", "part/more.json");
            assertThat(contents.files()).allMatch(name -> contents.matches(folder, name, read -> {}));
        }
        Files.writeString(cache.resolve("blobs").resolve(HASH), "abd");
        assertThat(CachedContents.of(link).orElseThrow().matches(link, "config.json", read -> {}))
                .isFalse();
    }

    @Test
    void otherFilesAndLinksAreNone() throws IOException {
        assertThat(CachedContents.of(cache)).isEmpty();
        assertThat(CachedContents.of(cache.resolve("none"))).isEmpty();
        assertThat(CachedContents.of(snapshot.resolve("config.json"))).isEmpty();
        Files.createSymbolicLink(snapshot.resolve("root"), Path.of("/"));
        assertThat(CachedContents.of(snapshot)).isEmpty();
    }

    @Test
    void aFolderThatCannotBeReadIsNamed() throws IOException {
        Path part = snapshot.resolve("part");
        Files.setPosixFilePermissions(part, PosixFilePermissions.fromString("---------"));
        try {
            assumeThat(Files.isReadable(part)).as("nothing is hidden from root").isFalse();
            assertThatThrownBy(() -> CachedContents.of(snapshot))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("cannot be read")
                    .hasMessageContaining(part.toString());
        } finally {
            Files.setPosixFilePermissions(part, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }
}
