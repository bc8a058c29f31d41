// One end of a GSS conversation by the JDK's own Kerberos, for the conformance suite.
//
//   java JGssPeer.java init   PORT SERVICE@HOST MECH CACHE [FLAG...]    connects to 127.0.0.1:PORT
//   java JGssPeer.java accept PORT PRINCIPAL    MECH KEYTAB [FLAG...]   listens there for one conversation
//
// MECH, FLAG, CB and what is said are as in capi_peer.py.

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.PrivilegedExceptionAction;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import javax.security.auth.Subject;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;
import javax.security.auth.login.LoginContext;
import org.ietf.jgss.ChannelBinding;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSCredential;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.MessageProp;
import org.ietf.jgss.Oid;

public class JGssPeer {
    static final GSSManager MANAGER = GSSManager.getInstance();

    final Socket socket;
    final DataInputStream in;
    final DataOutputStream out;
    GSSContext context;

    JGssPeer(Socket socket) throws IOException {
        this.socket = socket;
        in = new DataInputStream(socket.getInputStream());
        out = new DataOutputStream(socket.getOutputStream());
    }

    static byte[] filled(int length, char octet) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) octet);
        return bytes;
    }

    static byte[][] messages() {
        byte[] all = new byte[1280];
        for (int at = 0; at < all.length; at++) {
            all[at] = (byte) at;
        }
        return new byte[][] {
            {}, filled(1, 'x'), filled(15, 'y'), filled(16, 'y'), filled(17, 'y'), filled(32, 'y'), all,
            filled(1 << 20, 'z'),
        };
    }

    void send(byte[] data) throws IOException {
        out.writeInt(data.length);
        out.write(data);
        out.flush();
    }

    byte[] receive() throws IOException {
        byte[] data = new byte[in.readInt()];
        in.readFully(data);
        return data;
    }

    void bind() throws Exception {
        String data = System.getenv("CB");
        if (data != null) {
            context.setChannelBinding(new ChannelBinding(HexFormat.of().parseHex(data)));
        }
    }

    void initiate(String target, Oid mech, boolean mutual) throws Exception {
        GSSName name = MANAGER.createName(target, GSSName.NT_HOSTBASED_SERVICE);
        context = MANAGER.createContext(name, mech, null, GSSContext.DEFAULT_LIFETIME);
        context.requestMutualAuth(mutual);
        context.requestConf(true);
        context.requestInteg(true);
        context.requestReplayDet(true);
        context.requestSequenceDet(true);
        bind();
        byte[] token = {};
        while (true) {
            token = context.initSecContext(token, 0, token.length);
            if (token != null && token.length > 0) {
                send(token);
            }
            if (context.isEstablished()) {
                return;
            }
            token = receive();
        }
    }

    void accept(Oid mech) throws Exception {
        GSSCredential credential =
            MANAGER.createCredential(null, GSSCredential.INDEFINITE_LIFETIME, mech, GSSCredential.ACCEPT_ONLY);
        context = MANAGER.createContext(credential);
        bind();
        while (!context.isEstablished()) {
            byte[] token = receive();
            token = context.acceptSecContext(token, 0, token.length);
            if (token != null && token.length > 0) {
                send(token);
            }
        }
    }

    byte[] wrap(byte[] message, boolean encrypt) throws Exception {
        return context.wrap(message, 0, message.length, new MessageProp(0, encrypt));
    }

    void speak() throws Exception {
        for (boolean encrypt : new boolean[] {true, false}) {
            for (byte[] message : messages()) {
                send(wrap(message, encrypt));
            }
        }
        for (byte[] message : messages()) {
            send(context.getMIC(message, 0, message.length, new MessageProp(0, false)));
        }
        byte[] first = wrap(filled(1, '1'), true);
        byte[] second = wrap(filled(1, '2'), true);
        byte[] third = wrap(filled(1, '3'), true);
        for (byte[] token : List.of(first, third, second, second)) {
            send(token);
        }
    }

    static String found(MessageProp prop) {
        return prop.isDuplicateToken() ? "duplicate"
            : prop.isOldToken() ? "old"
            : prop.isUnseqToken() ? "unsequenced"
            : prop.isGapToken() ? "gap"
            : "in sequence";
    }

    static void expect(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }

    void listen() throws Exception {
        for (boolean encrypt : new boolean[] {true, false}) {
            for (byte[] message : messages()) {
                byte[] token = receive();
                MessageProp prop = new MessageProp(0, false);
                byte[] got = context.unwrap(token, 0, token.length, prop);
                expect(Arrays.equals(got, message), "a message of " + message.length + " octets is another");
                expect(prop.getPrivacy() == encrypt, "confidentiality " + prop.getPrivacy());
                expect(found(prop).equals("in sequence"), found(prop));
            }
        }
        for (byte[] message : messages()) {
            byte[] mic = receive();
            MessageProp prop = new MessageProp(0, false);
            context.verifyMIC(mic, 0, mic.length, message, 0, message.length, prop);
            expect(found(prop).equals("in sequence"), found(prop));
        }
        for (String expected : List.of("in sequence", "gap", "unsequenced", "duplicate")) {
            byte[] token = receive();
            MessageProp prop = new MessageProp(0, false);
            context.unwrap(token, 0, token.length, prop);
            expect(found(prop).equals(expected), "expected " + expected + ", but found " + found(prop));
        }
    }

    static Subject login(Map<String, String> options) throws Exception {
        AppConfigurationEntry entry = new AppConfigurationEntry(
            "com.sun.security.auth.module.Krb5LoginModule",
            AppConfigurationEntry.LoginModuleControlFlag.REQUIRED,
            options);
        Configuration configuration = new Configuration() {
            @Override
            public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
                return new AppConfigurationEntry[] {entry};
            }
        };
        LoginContext login = new LoginContext("peer", new Subject(), null, configuration);
        login.login();
        return login.getSubject();
    }

    static void converse(String[] args) throws Exception {
        int port = Integer.parseInt(args[1]);
        Oid mech = new Oid(args[3].equals("spnego") ? "1.3.6.1.5.5.2" : "1.2.840.113554.1.2.2");
        InetAddress here = InetAddress.getByName("127.0.0.1");
        if (args[0].equals("init")) {
            JGssPeer peer = new JGssPeer(new Socket(here, port));
            peer.initiate(args[2], mech, Arrays.asList(args).contains("mutual"));
            peer.speak();
            peer.listen();
            peer.send("done".getBytes());
            System.out.println("target " + peer.context.getTargName());
        } else {
            JGssPeer peer = new JGssPeer(new ServerSocket(port, 1, here).accept());
            peer.accept(mech);
            peer.listen();
            peer.speak();
            expect(new String(peer.receive()).equals("done"), "the initiator did not say that it is done");
            System.out.println("initiator " + peer.context.getSrcName());
        }
    }

    public static void main(String[] args) throws Exception {
        Map<String, String> options = args[0].equals("init")
            ? Map.of("useTicketCache", "true", "ticketCache", args[4], "doNotPrompt", "true")
            : Map.of("useKeyTab", "true", "keyTab", args[4], "principal", args[2], "storeKey", "true",
                "isInitiator", "false", "doNotPrompt", "true");
        Subject.doAs(login(options), (PrivilegedExceptionAction<Void>) () -> {
            converse(args);
            return null;
        });
    }
}
