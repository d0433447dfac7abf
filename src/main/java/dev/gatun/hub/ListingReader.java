package dev.gatun.hub;

import dev.gatun.input.Quoted;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads the hub's answer about a model, {@code /api/models/OWNER/NAME/revision/REVISION?blobs=true}. */
final class ListingReader {
    private static final int MOST_FILES = 100_000;
    /** The sum of the largest sizes of the most files is a long. */
    private static final long LARGEST_FILE = 1L << 45;

    private final ModelReference model;

    ListingReader(ModelReference model) {
        this.model = model;
    }

    /**
     * Reads and checks the listing.
     *
     * @throws HubException if a name is unusable, a hash or a size is missing, or this is no listing at all
     */
    ModelListing read(byte[] json) {
        JsonNode root = tree(json);
        String commit = root.path("sha").asString("");
        JsonNode siblings = root.path("siblings");
        if (ContentHash.of(ContentHash.Kind.GIT_BLOB, commit).isEmpty() || !siblings.isArray()) {
            throw problem("the hub's answer has no commit or no files");
        }
        if (siblings.size() > MOST_FILES) {
            throw problem("the hub lists " + siblings.size() + " files, more than " + MOST_FILES);
        }
        List<HubFile> files = new ArrayList<>();
        siblings.values().forEach(entry -> files.add(file(entry)));
        requireDistinct(files);
        return new ModelListing(commit, files);
    }

    private JsonNode tree(byte[] json) {
        try {
            return JsonMapper.shared().readTree(json);
        } catch (JacksonException broken) {
            throw new HubException(model.id() + ": the hub's answer is no JSON; check HF_ENDPOINT", broken);
        }
    }

    private HubFile file(JsonNode entry) {
        String name = entry.path("rfilename").asString("");
        SafePath path = SafePath.of(name)
                .filter(safe -> !safe.first().equals(FolderTarget.RESERVED))
                .orElseThrow(() -> problem("the hub lists a file with an unusable name, " + Quoted.of(name)));
        JsonNode lfs = entry.path("lfs");
        boolean large = lfs.isObject();
        long size = (large ? lfs : entry).path("size").asLong(-1);
        if (size < 0 || size > LARGEST_FILE) {
            throw problem("the hub lists no usable size of " + Quoted.of(name));
        }
        Optional<ContentHash> hash = large
                ? ContentHash.of(ContentHash.Kind.SHA256, lfs.path("sha256").asString(""))
                : ContentHash.of(ContentHash.Kind.GIT_BLOB, entry.path("blobId").asString(""));
        return new HubFile(
                path, size, hash.orElseThrow(() -> problem("the hub lists no usable hash of " + Quoted.of(name))));
    }

    /** No name twice, and none that another file has as a folder. */
    private void requireDistinct(List<HubFile> files) {
        Set<List<String>> names = new HashSet<>();
        for (HubFile file : files) {
            if (!names.add(file.path().segments())) {
                throw problem("the hub lists " + Quoted.of(file.path()) + " twice");
            }
        }
        for (HubFile file : files) {
            List<String> folders = file.path().folders();
            for (int depth = 1; depth <= folders.size(); depth++) {
                if (names.contains(folders.subList(0, depth))) {
                    throw problem("the hub lists " + Quoted.of(file.path()) + " below a file");
                }
            }
        }
    }

    private HubException problem(String what) {
        return new HubException(model.id() + ": " + what + "; nothing was downloaded");
    }
}
