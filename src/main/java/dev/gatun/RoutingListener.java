package dev.gatun;

/**
 * Hears which experts the routers of a model chose: for statistics and recordings. See
 * {@link SessionOptions#withRoutingListener}.
 */
@FunctionalInterface
public interface RoutingListener {
    /**
     * Some tokens went through all layers. It is called on the thread that generates, before the session's
     * {@link GenerationListener} hears of them, in order of the tokens' positions; an exception thrown here ends the
     * generation and reaches its caller.
     */
    void routed(RoutedTokens tokens);

    /**
     * For how many layers ahead it wants {@link RoutedTokens#guesses} as well; 0, as a lambda has it, for none. Asked once,
     * when a session opens.
     */
    default int layersAhead() {
        return 0;
    }
}
