package dev.gatun.hub;

import java.util.List;

/**
 * What a model consists of at one commit.
 *
 * @param commit 40 digits
 * @param files in the hub's order; none lies where another needs a folder
 */
record ModelListing(String commit, List<HubFile> files) {
    ModelListing {
        files = List.copyOf(files);
    }

    List<HubFile> chosen(FileSelection selection) {
        return files.stream()
                .filter(file -> selection.has(file.path().toString()))
                .toList();
    }
}
