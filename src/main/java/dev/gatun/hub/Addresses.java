package dev.gatun.hub;

import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;

/**
 * Where a hub answers about a model, and where its files are.
 *
 * @param endpoint the hub's address
 * @param model what is asked for
 */
record Addresses(URI endpoint, ModelReference model) {
    /** The listing, with sizes and hashes. */
    URI listing() {
        return URI.create(
                endpoint + "/api/models/" + model.id() + "/revision/" + encoded(model.revision()) + "?blobs=true");
    }

    /** A file of one commit, so that it is the listed one whatever is published meanwhile. */
    URI file(String commit, SafePath path) {
        String encoded = path.segments().stream().map(Addresses::encoded).collect(Collectors.joining("/"));
        return URI.create(endpoint + "/" + model.id() + "/resolve/" + commit + "/" + encoded);
    }

    /** One segment of a path; the encoder is made for forms, where a space is a plus. */
    private static String encoded(String segment) {
        return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
