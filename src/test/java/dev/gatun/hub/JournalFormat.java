package dev.gatun.hub;

import dev.gatun.fuzz.ByteMutation;
import dev.gatun.fuzz.Format;
import dev.gatun.fuzz.Mutation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What is on disk of an unfinished download, with which a later run goes on or begins anew. */
public record JournalFormat() implements Format {
    private static final int BYTES = 1_000;
    private static final int PART = 100;

    @Override
    public String name() {
        return "journal";
    }

    @Override
    public void write(Path folder, long seed) throws IOException {
        try (PartialFile file = PartialFile.open(folder.resolve("file"), BYTES, PART)) {
            file.append(3, new byte[PART], 50);
            file.append(0, new byte[PART], PART);
        }
    }

    @Override
    public boolean damages(String file) {
        return true;
    }

    @Override
    public Mutation damage(String file) {
        return new ByteMutation();
    }

    @Override
    public void use(Path folder) throws IOException {
        Path copy = folder.resolve("copy");
        for (String ending : new String[] {".gatun.incomplete", ".gatun.parts"}) {
            Path original = folder.resolve("file" + ending);
            if (Files.exists(original)) {
                Files.copy(original, folder.resolve("copy" + ending));
            }
        }
        long received = PartialFile.received(copy, BYTES, PART);
        try (PartialFile file = PartialFile.open(copy, BYTES, PART)) {
            long missing = 0;
            for (int part = 0; part < BYTES / PART; part++) {
                ByteRange range = file.missing(part);
                requireWithin(part, range);
                missing += range.length();
            }
            if (received + missing != BYTES) {
                throw new AssertionError(received + " bytes received, " + missing + " missing");
            }
            file.forget();
        }
    }

    private static void requireWithin(int part, ByteRange range) {
        if (range.from() < (long) part * PART || range.to() != (part + 1L) * PART || range.length() < 0) {
            throw new AssertionError("part " + part + ": " + range);
        }
    }

    @Override
    public boolean isRefusal(Throwable thrown) {
        return false;
    }
}
