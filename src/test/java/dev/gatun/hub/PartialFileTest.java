package dev.gatun.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PartialFileTest {
    @TempDir
    private Path folder;

    private Path base() {
        return folder.resolve("file");
    }

    private Path journal() {
        return folder.resolve("file.gatun.parts");
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void piecesInAnyOrderAndAnyNumberOfRunsAreTheFile(long seed) throws IOException {
        Random random = new Random(seed);
        byte[] content = new byte[random.nextInt(1, 5_000)];
        random.nextBytes(content);
        int partBytes = random.nextInt(1, 1_000);
        int parts = (int) PartJournal.parts(content.length, partBytes);
        while (PartialFile.received(base(), content.length, partBytes) < content.length) {
            try (PartialFile file = PartialFile.open(base(), content.length, partBytes)) {
                for (int i = random.nextInt(20); i >= 0; i--) {
                    appendSome(file, random.nextInt(parts), content, random);
                }
            }
        }
        try (PartialFile file = PartialFile.open(base(), content.length, partBytes)) {
            assertThat(file.complete()).hasBinaryContent(content);
            file.forget();
        }
        assertThat(folder).isEmptyDirectory();
    }

    private static void appendSome(PartialFile file, int part, byte[] content, Random random) throws IOException {
        ByteRange missing = file.missing(part);
        int length = random.nextInt((int) missing.length() + 1);
        byte[] piece = Arrays.copyOfRange(content, (int) missing.from(), (int) missing.to());
        file.append(part, piece, length);
    }

    @Test
    void aDamagedJournalBeginsAnew() throws IOException {
        byte[] content = new byte[1_000];
        for (int position = 0; position < 24 + 10 * Long.BYTES; position++) {
            try (PartialFile file = PartialFile.open(base(), content.length, 100)) {
                file.append(3, content, 50);
            }
            byte[] journal = Files.readAllBytes(journal());
            journal[position] ^= (byte) 0x80;
            Files.write(journal(), journal);
            assertThat(PartialFile.received(base(), content.length, 100))
                    .as("byte %d", position)
                    .isBetween(0L, 1_000L);
            Files.write(journal(), Arrays.copyOf(journal, position));
            assertThat(PartialFile.received(base(), content.length, 100)).isZero();
        }
    }

    @Test
    void aJournalOfOtherSizesOrWithoutItsFileBeginsAnew() throws IOException {
        try (PartialFile file = PartialFile.open(base(), 1_000, 100)) {
            file.append(3, new byte[50], 50);
        }
        assertThat(PartialFile.received(base(), 1_000, 100)).isEqualTo(50);
        Files.delete(folder.resolve("file.gatun.incomplete"));
        try (PartialFile file = PartialFile.open(base(), 1_000, 100)) {
            assertThat(file.missing(3)).isEqualTo(new ByteRange(300, 400));
            file.append(3, new byte[50], 50);
        }
        try (PartialFile file = PartialFile.open(base(), 1_000, 200)) {
            assertThat(file.missing(3)).isEqualTo(new ByteRange(600, 800));
        }
    }
}
