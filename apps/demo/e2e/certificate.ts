/**
 * A self-signed, untrusted certificate for `localhost`, valid until 2126. Created with:
 * openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500
 *   -subj /CN=localhost -addext 'subjectAltName=DNS:localhost'
 */
export const certificate = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjvddUwUKWLZtzKjH
eZFT8h9LnoG4tQdf/mO5tcVlmXShRANCAAR+KkpmNs0jj+puZCGuzNqUnvogUSV1
JcMQfmld2oYrz3d+ixMsJYZOZ9+61zr2Zr3aVy6rTCySW4s3679SW0L6
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBljCCATugAwIBAgIUa2wqO30FMYNggZzktIPY9MSDBqUwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTAxNDk0MVoYDzIxMjYxMDI4
MDE0OTQxWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAR+KkpmNs0jj+puZCGuzNqUnvogUSV1JcMQfmld2oYrz3d+ixMsJYZO
Z9+61zr2Zr3aVy6rTCySW4s3679SW0L6o2kwZzAdBgNVHQ4EFgQUjQU9ZDtHmSV5
DHcJWGhdbfxqbpowHwYDVR0jBBgwFoAUjQU9ZDtHmSV5DHcJWGhdbfxqbpowDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SQAwRgIhAKOUsVP1FF+FHfVmmfHuLYhCBsp3YzWwJMCPNXSzjgJEAiEA951OtTmq
4/5fusk5S36t/zBBEtC42qb3vtuWnF1Ns2s=
-----END CERTIFICATE-----`,
} as const
