package dev.gatun.hub;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Where downloaded files go. */
sealed interface Target permits CacheTarget, FolderTarget {
    /** Makes the folders that are needed before anything is received. */
    void prepare() throws IOException;

    /** A file that whoever downloads to this target holds locked. */
    Path lockFile();

    /** Whether a file is there already. */
    boolean has(HubFile file) throws IOException;

    /** Where a file lies while it is received, without its ending; the same for files of which one will do. */
    Path unfinished(HubFile file);

    /** Takes a file whose hash was found right, by renaming it. */
    void take(HubFile file, Path received) throws IOException;

    /** Everything is there: makes it a model. Returns the model's folder. */
    Path finish(List<HubFile> files) throws IOException;
}
