package dev.gatun.hub;

import java.net.URI;
import java.net.http.HttpHeaders;
import java.util.Optional;
import java.util.Set;

/** Where a server sends its clients. */
final class Redirect {
    /** The statuses that send elsewhere. */
    static final Set<Integer> STATUSES = Set.of(301, 302, 303, 307, 308);

    private Redirect() {}

    /**
     * The address to ask next.
     *
     * @throws HubException if it is none of the web, or gives up encryption
     */
    static URI target(URI from, HttpHeaders headers) {
        URI target = headers.firstValue("Location")
                .flatMap(location -> resolved(from, location))
                .orElseThrow(() ->
                        new HubException("the hub redirects to something that is no http address; check HF_ENDPOINT"));
        if (Origin.of(from).isEncrypted() && !Origin.of(target).isEncrypted()) {
            throw new HubException("the hub redirects from https to http, which is refused");
        }
        return target;
    }

    private static Optional<URI> resolved(URI from, String location) {
        try {
            return Optional.of(from.resolve(location)).filter(Origin::isHttp);
        } catch (IllegalArgumentException unusable) {
            return Optional.empty();
        }
    }
}
