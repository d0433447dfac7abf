package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.hub.HubCache;
import dev.gatun.hub.HubException;
import dev.gatun.hub.HubSettings;
import dev.gatun.hub.ModelReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Where the model lies that someone names: a folder, or OWNER/NAME of a hub, which was downloaded before. */
final class ModelPlace {
    private ModelPlace() {}

    /**
     * The folder itself; or, when there is none of this name, that of the hub's cache. The network is not used.
     *
     * @throws GatunException if it is spelled as a hub's model, but is not in the cache
     */
    static Path of(Path named) {
        if (Files.exists(named)) {
            return named;
        }
        try {
            Optional<ModelReference> model = ModelReference.ifSpelled(named.toString());
            return model.map(ModelPlace::cached).orElse(named);
        } catch (HubException unusable) {
            throw new GatunException(unusable.getMessage(), unusable);
        }
    }

    private static Path cached(ModelReference model) {
        HubCache cache = new HubCache(settings().cache());
        return cache.find(model)
                .orElseThrow(
                        () -> new GatunException("model: " + model + " is neither a folder nor in the hub's cache `"
                                + cache.root() + "`; download it with: gatun pull " + model));
    }

    /** What the environment says about the hub. */
    static HubSettings settings() {
        return HubSettings.of(System.getenv(), Path.of(System.getProperty("user.home")));
    }
}
