"""Goal: private keys in a PKCS#11 token, named by their URIs, sign for the gateway on both sides,
through reloads and a keeper's death; no process has a scrap of them. A PIN that is wrong or in
the configuration is refused with the cure, and the gateway that runs goes on."""
from harness import Test
from tokens import PIN, keys_in, signs, softhsm, stores

with Test() as t, softhsm(t.work / "token") as token:
	settings = keys_in(token, t.pki)
	gateway = t.gateway(t.pacs(), settings)
	# The token is software in the keeper, which has to know the keys.
	signs(t, gateway, settings, but_for=["keeper"])

	uri, = settings["destinations.0.tls.key"]
	gateway.reload({**settings, "destinations.0.tls.key": [
		uri.replace(f"pin-source=file:{token.pin}", f"pin-value={PIN}")]}, "refused")
	gateway.wait_log("pin-source=file:/THE/FILE")
	assert PIN not in gateway.log()
	wrong = t.work / "wrong-pin"
	wrong.write_text("1")	# of each key: a token is opened once for all of them
	gateway.reload({**settings, **{
		key: [uri.replace(str(token.pin), str(wrong)) for uri in settings[key]]
		for key in ("listen.0.tls.key", "destinations.0.tls.key")}}, "refused")
	gateway.wait_log("the token is there, and shows no such key: correct the URI, or the PIN")
	gateway.wait_log("not asked for, since a token has refused another key")
	stores(t, gateway)

	# One that isn't there is looked for again and again.
	gateway.reload({**settings, "destinations.0.tls.key": [
		uri.replace("token=cathgate", "token=nowhere")]}, "refused")
	gateway.wait_log("look whether the token is there")
	stores(t, gateway)
