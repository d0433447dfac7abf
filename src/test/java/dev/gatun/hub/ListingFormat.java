package dev.gatun.hub;

import dev.gatun.fuzz.Format;
import dev.gatun.fuzz.Formats;
import dev.gatun.fuzz.Mutation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a hub says of a model, kept in a file to be damaged. */
public record ListingFormat() implements Format {
    private static final String FILE = "listing.json";
    private static final ModelReference MODEL = new ModelReference("owner", "model", ModelReference.MAIN);

    @Override
    public String name() {
        return "listing";
    }

    @Override
    public void write(Path folder, long seed) throws IOException {
        String sha1 = "0123456789abcdef0123456789abcdef01234567";
        String sha256 = "0123456789abcdef".repeat(4);
        Files.writeString(folder.resolve(FILE), """
                {"id": "owner/model", "sha": "%1$s", "private": false, "siblings": [
                {"rfilename": "config.json", "size": 700, "blobId": "%1$s"},
                {"rfilename": "a/b/tokenizer.json", "size": 0, "blobId": "%1$s"},
                {"rfilename": "model.safetensors", "size": 8000000000, "blobId": "%1$s",
                "lfs": {"sha256": "%2$s", "size": 8000000000, "pointerSize": 135}}]}
                """.formatted(sha1, sha256));
    }

    @Override
    public boolean damages(String file) {
        return true;
    }

    @Override
    public Mutation damage(String file) {
        return Formats.json();
    }

    @Override
    public void use(Path folder) throws IOException {
        ModelListing listing = new ListingReader(MODEL).read(readIfThere(folder.resolve(FILE)));
        for (HubFile file : listing.files()) {
            Path inside = folder.resolve(file.path().toString()).normalize();
            if (!inside.startsWith(folder) || inside.equals(folder) || file.size() < 0) {
                throw new AssertionError("a name that leaves the folder, or a size below 0: " + file);
            }
        }
    }

    private static byte[] readIfThere(Path file) throws IOException {
        return Files.exists(file) ? Files.readAllBytes(file) : new byte[0];
    }

    @Override
    public boolean isRefusal(Throwable thrown) {
        return thrown instanceof HubException;
    }

    @Override
    public String named(Path folder) {
        return MODEL.id();
    }
}
