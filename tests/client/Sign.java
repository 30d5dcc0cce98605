// SPDX-License-Identifier: BSD-3-Clause
//
// Sign a file with a key of the token through SunPKCS11. The KeyStore shows keys that have a certificate
// only, so the key is looked for below it; login and signature go the provider's usual way.
//
//   Sign CONFIG sign|abandon CREDENTIAL ALGORITHM SAD FILE SIGNATURE PUBLIC

import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.AuthProvider;
import java.security.PrivateKey;
import java.security.ProviderException;
import java.security.PublicKey;
import java.security.Security;
import java.security.Signature;
import java.util.HexFormat;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.PasswordCallback;
import sun.security.pkcs11.wrapper.CK_ATTRIBUTE;
import sun.security.pkcs11.wrapper.PKCS11;
import sun.security.pkcs11.wrapper.PKCS11Constants;

public class Sign {
	private static Object token;
	private static Object session;
	private static long sessionId;
	private static PKCS11 p11;

	private static Object call(Object target, String name) throws Exception {
		Method method = target.getClass().getDeclaredMethod(name);
		method.setAccessible(true);
		return method.invoke(target);
	}

	private static Object field(Object target, String name) throws Exception {
		var field = target.getClass().getDeclaredField(name);
		field.setAccessible(true);
		return field.get(target);
	}

	private static long find(long objectClass, byte[] id) throws Exception {
		p11.C_FindObjectsInit(sessionId, new CK_ATTRIBUTE[] {
			new CK_ATTRIBUTE(PKCS11Constants.CKA_CLASS, objectClass),
			new CK_ATTRIBUTE(PKCS11Constants.CKA_ID, id) });
		long[] found = p11.C_FindObjects(sessionId, 2);
		p11.C_FindObjectsFinal(sessionId);
		if (found.length != 1)
			throw new IllegalStateException(found.length + " keys of that id");
		return found[0];
	}

	// P11Key.privateKey() and publicKey(): static, with the object, the algorithm and the size in bits.
	private static Object key(String kind, long object, String algorithm, int bits) throws Exception {
		for (Method method : Class.forName("sun.security.pkcs11.P11Key").getDeclaredMethods()) {
			if (!method.getName().equals(kind) || method.getParameterCount() != 5)
				continue;
			method.setAccessible(true);
			CK_ATTRIBUTE[] attributes = kind.equals("privateKey")
				? new CK_ATTRIBUTE[] {
					new CK_ATTRIBUTE(PKCS11Constants.CKA_TOKEN, true),
					new CK_ATTRIBUTE(PKCS11Constants.CKA_SENSITIVE, true),
					new CK_ATTRIBUTE(PKCS11Constants.CKA_EXTRACTABLE, false) }
				: null;
			return method.invoke(null, session, object, algorithm, bits, attributes);
		}
		throw new IllegalStateException("no P11Key." + kind);
	}

	public static void main(String[] args) throws Exception {
		AuthProvider provider = (AuthProvider) Security.getProvider("SunPKCS11").configure(args[0]);
		Security.addProvider(provider);
		byte[] id = HexFormat.of().parseHex(args[2]);
		String algorithm = args[3];
		char[] sad = args[4].toCharArray();
		byte[] document = Files.readAllBytes(Path.of(args[5]));

		provider.login(null, callbacks -> {
			for (Callback callback : callbacks)
				((PasswordCallback) callback).setPassword(sad);
		});
		token = call(provider, "getToken");
		p11 = (PKCS11) field(token, "p11");
		session = call(token, "getOpSession");
		sessionId = (long) call(session, "id");

		boolean rsa = algorithm.endsWith("RSA");
		String kind = rsa ? "RSA" : "EC";
		int bits = rsa ? 3072 : 256;
		PrivateKey key = (PrivateKey) key("privateKey", find(PKCS11Constants.CKO_PRIVATE_KEY, id), kind, bits);
		PublicKey pub = (PublicKey) key("publicKey", find(PKCS11Constants.CKO_PUBLIC_KEY, id), kind, bits);

		Signature signature = Signature.getInstance(algorithm, provider);
		signature.initSign(key);
		if (args[1].equals("abandon")) {
			// A second initSign() cancels the first operation by C_SignFinal without data.
			try {
				signature.initSign(key);
				System.err.println("C_SignFinal without data was answered");
				System.exit(1);
			} catch (ProviderException e) {
				System.err.println(e.getCause());
				boolean refused = String.valueOf(e.getCause()).contains("CKR_FUNCTION_REJECTED");
				System.exit(refused ? 0 : 1);
			}
		}
		// In pieces: many parts for the token.
		for (int at = 0; at < document.length; at += 1000)
			signature.update(document, at, Math.min(1000, document.length - at));
		byte[] bytes = signature.sign();
		Files.write(Path.of(args[6]), bytes);
		Files.write(Path.of(args[7]), pub.getEncoded());
		System.exit(0);
	}
}
