package dev.gatun.hub;

import java.net.URI;
import java.util.Locale;

/**
 * Who answers an address: what must be the same for a secret to be sent again.
 *
 * @param scheme http or https
 * @param host in lower case
 * @param port also where the address leaves it out
 */
record Origin(String scheme, String host, int port) {
    /** The origin of an address for which {@link #isHttp} holds. */
    static Origin of(URI address) {
        String scheme = address.getScheme().toLowerCase(Locale.ROOT);
        int usual = scheme.equals("https") ? 443 : 80;
        return new Origin(
                scheme,
                address.getHost().toLowerCase(Locale.ROOT),
                address.getPort() == -1 ? usual : address.getPort());
    }

    /** Whether it is a whole address of the web. */
    static boolean isHttp(URI address) {
        String scheme = String.valueOf(address.getScheme());
        return address.getHost() != null && (scheme.equalsIgnoreCase("http") || scheme.equalsIgnoreCase("https"));
    }

    boolean isEncrypted() {
        return scheme.equals("https");
    }
}
