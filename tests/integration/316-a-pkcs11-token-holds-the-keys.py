"""Goal: private keys in a PKCS#11 token, named by their URIs, sign for the gateway on both sides,
through reloads and a keeper's death; no process has a scrap of them. A PIN that is wrong or in
the configuration is refused with the cure, and the gateway that runs goes on. A token that was away
is found again."""
import os
import signal

from harness import Test, child, eventually
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
	gateway.wait_log(" was refused: correct that first")
	told = gateway.reload({**settings, "destinations.0.tls.key": [
		uri.replace(str(token.pin), f"{token.pin}.gone")]}, "refused")
	assert "the file with its PIN can't be read: No such file" in gateway.log(), told
	stores(t, gateway)

	# A token that is away when a keeper looks for it is found by a later one.
	token.tokens.rename(t.work / "away")
	token.tokens.mkdir()
	os.kill(gateway.helper("keeper"), signal.SIGKILL)
	gateway.wait_log("look whether the token is there")
	away = gateway.helper("keeper")
	eventually(lambda: child(gateway.pid, "keeper") not in (None, away))
	token.tokens.rmdir()
	(t.work / "away").rename(token.tokens)
	eventually(lambda: gateway.log().count("another keeper has read the private keys") == 2)
	stores(t, gateway)
