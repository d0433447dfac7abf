package dev.gatun.engine;

/**
 * The router's choice for each token of a chunk: expert ids and weights, [tokens, expertsPerToken], best first. The host
 * sees it through a {@link RoutingObserver} only; it belongs to the backend and is valid until the next
 * {@link Backend#route}.
 */
public interface Routing {
    /** Tokens in the chunk. */
    int tokens();
}
