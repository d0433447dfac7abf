package dev.gatun.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The folder in which programs that use a hub keep what they downloaded, so that each model is there once:
 *
 * <pre>
 * models--OWNER--NAME/
 *   blobs/HASH                   contents; the hash is a SHA-256, or Git's for small files
 *   refs/REVISION                the commit that a branch or tag was, as text
 *   snapshots/COMMIT/PATH        relative links into blobs
 * .locks/models--OWNER--NAME/
 * </pre>
 *
 * @param root {@link HubSettings#cache()}
 */
public record HubCache(Path root) {
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final String MODELS = "models--";
    private static final String SNAPSHOTS = "snapshots";
    private static final int LONGEST_REF = 1000;

    /**
     * The folder of a model that was downloaded by whichever program; the network is not used.
     *
     * @return empty when this revision is not in the cache
     */
    public Optional<Path> find(ModelReference model) {
        return commit(model).map(commit -> snapshot(model, commit)).filter(HubCache::holdsFiles);
    }

    private static boolean holdsFiles(Path folder) {
        String[] names = folder.toFile().list();
        return names != null && names.length > 0;
    }

    /** What to call the model in a folder: {@code OWNER/NAME} in a cache, the folder's own name elsewhere. */
    public static String modelName(Path folder) {
        Path whole = folder.toAbsolutePath().normalize();
        int names = whole.getNameCount();
        boolean cached = names >= 3
                && whole.getName(names - 2).toString().equals(SNAPSHOTS)
                && whole.getName(names - 3).toString().startsWith(MODELS);
        if (cached) {
            return whole.getName(names - 3)
                    .toString()
                    .substring(MODELS.length())
                    .replaceFirst("--", "/");
        }
        return names == 0 ? whole.toString() : whole.getFileName().toString();
    }

    /** The commit of a revision, as far as the cache knows. */
    private Optional<String> commit(ModelReference model) {
        if (isCommit(model.revision())) {
            return Optional.of(model.revision());
        }
        Path ref = ref(model);
        try {
            boolean usable = Files.isRegularFile(ref) && Files.size(ref) <= LONGEST_REF;
            return usable ? Optional.of(Files.readString(ref).strip()).filter(HubCache::isCommit) : Optional.empty();
        } catch (IOException unreadable) {
            return Optional.empty();
        }
    }

    static boolean isCommit(String revision) {
        return COMMIT.matcher(revision).matches();
    }

    private static String folderName(ModelReference model) {
        return MODELS + model.owner() + "--" + model.name();
    }

    private Path folder(ModelReference model) {
        return root.resolve(folderName(model));
    }

    Path blobs(ModelReference model) {
        return folder(model).resolve("blobs");
    }

    Path refs(ModelReference model) {
        return folder(model).resolve("refs");
    }

    private Path ref(ModelReference model) {
        return refs(model).resolve(model.revision());
    }

    Path snapshot(ModelReference model, String commit) {
        return folder(model).resolve(SNAPSHOTS).resolve(commit);
    }

    Path locks(ModelReference model) {
        return root.resolve(".locks").resolve(folderName(model));
    }
}
