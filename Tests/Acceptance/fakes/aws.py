"""AWS KMS as its documentation says, for keys whose material is imported.

Every request must bear a signature that botocore makes too, fit botocore's model of the service, and be
the body that botocore's serializer writes for the same parameters.
"""
import base64
import datetime
import hashlib
import hmac
import json
import os
import pathlib
import tempfile
import uuid

import botocore.auth
import botocore.session
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import openers
from .base import Fake, Refusal

MODEL = botocore.session.Session().get_service_model("kms")
HMAC = {"HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64}
CURVES = {"ECC_NIST_P256": "secp256r1", "ECC_NIST_P384": "secp384r1",
          "ECC_NIST_P521": "secp521r1", "ECC_SECG_P256K1": "secp256k1"}
RSA = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
DAY = 86400
_wrapping = {}


def wrapping_key(bits):
    """One RSA key a size for all fakes of this user: making RSA-4096 takes seconds."""
    if bits not in _wrapping:
        folder = pathlib.Path(tempfile.gettempdir()) / f"kw-fake-keys-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / f"{bits}.pem"
        if not file.exists():
            key = rsa.generate_private_key(65537, bits)
            new = folder / f"{bits}.{os.getpid()}"
            new.write_bytes(key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))
            os.rename(new, file)
        _wrapping[bits] = serialization.load_pem_private_key(file.read_bytes(), None)
    return _wrapping[bits]


def refuse(name, message="", status=400):
    raise Refusal(status, {"__type": f"com.amazonaws.kms#{name}" if name[0] == "I" else name,
                           "message": message})


class FakeAWS(Fake):
    name = "aws"
    access_key, secret_key = "AKIAKEYWARDFAKEAAAAA", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYFAKEKEY0000"
    session_token = "FwoGZXIvYXdzEKEYWARDtoken/+=="

    def __init__(self):
        super().__init__()
        self.keys, self.tokens, self.signed = {}, {}, 0
        self.opened = {}

    def greeting(self):
        return {"access_key": self.access_key, "secret_key": self.secret_key,
                "session_token": self.session_token}

    def step(self, request):
        return request.headers["X-Amz-Target"].split(".")[1]

    def throttled(self):
        return {"__type": "ThrottlingException", "message": "Rate exceeded"}

    def answer(self, request):
        region = self.check_signature(request)
        operation = self.step(request)
        body = request.json()
        self.check_body(operation, body, request)
        return getattr(self, operation)(region, **body)

    # What every request must be

    def check_signature(self, request):
        given = request.headers.get("Authorization", "")
        try:
            scope = given.split("Credential=")[1].split(",")[0].split("/")
            names = given.split("SignedHeaders=")[1].split(",")[0].split(";")
            key, day, region, service, _ = scope
        except (IndexError, ValueError):
            refuse("IncompleteSignatureException", "no signature")
        if key != self.access_key:
            refuse("UnrecognizedClientException", "The security token included in the request is invalid.")
        token = request.headers.get("X-Amz-Security-Token")
        if token is not None and token != self.session_token:
            refuse("UnrecognizedClientException", "unknown session token")
        for needed in ("host", "x-amz-date", "x-amz-target", "content-type"):
            if needed not in names:
                refuse("IncompleteSignatureException", f"{needed} is not signed")
        if token is not None and "x-amz-security-token" not in names:
            refuse("IncompleteSignatureException", "the token is not signed")
        moment = datetime.datetime.strptime(
            request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        if abs(moment.timestamp() - self.now()) > 300:
            refuse("InvalidSignatureException", "Signature expired")
        again = AWSRequest(request.method, f"https://{request.headers['Host']}{request.target}",
                           data=request.body)
        for name in names:
            if name not in ("x-amz-date", "x-amz-security-token"):
                again.headers[name] = request.headers[name]
        botocore.auth.get_current_datetime = lambda *_, **__: moment
        botocore.auth.SigV4Auth(
            Credentials(self.access_key, self.secret_key, token), "kms", region).add_auth(again)
        if again.headers["Authorization"] != given or service != "kms":
            refuse("InvalidSignatureException", "The request signature does not match.")
        self.signed += 1
        return region

    def check_body(self, operation, body, request):
        model = MODEL.operation_model(operation)
        parameters = dict(body)
        for name, shape in model.input_shape.members.items():
            if name in parameters and shape.type_name == "blob":
                parameters[name] = base64.b64decode(parameters[name], validate=True)
        report = ParamValidator().validate(parameters, model.input_shape)
        if report.has_errors():
            refuse("ValidationException", report.generate_report())
        wire = create_serializer("json").serialize_to_request(parameters, model)
        assert json.loads(wire["body"]) == body, f"{operation}: botocore writes {wire['body']}"
        for name in ("Content-Type", "X-Amz-Target"):
            assert wire["headers"][name] == request.headers[name], name
        for name, value in body.items():
            shape = model.input_shape.members[name]
            if getattr(shape, "enum", None) and value not in shape.enum:
                refuse("ValidationException", f"{name} has an unknown value")

    # Keys

    def key(self, region, identifier):
        name = identifier.split("/")[-1]
        key = self.keys.get((region, name))
        if key is None:
            refuse("NotFoundException", f"Key '{identifier}' does not exist")
        return key

    def metadata(self, key):
        value = {"KeyId": key["id"], "Arn": key["arn"], "AWSAccountId": "111122223333",
                 "CreationDate": key["created"], "Enabled": self.state(key) == "Enabled",
                 "KeyState": self.state(key), "Origin": "EXTERNAL", "KeyManager": "CUSTOMER",
                 "KeySpec": key["spec"], "KeyUsage": key["usage"], "MultiRegion": key["multi"],
                 "Description": key["description"]}
        if key["multi"]:
            copies = [one for (_, name), one in self.keys.items() if name == key["id"]] or [key]
            entries = [{"Arn": one["arn"], "Region": one["region"]} for one in copies]
            value["MultiRegionConfiguration"] = {
                "MultiRegionKeyType": "PRIMARY" if key["region"] == key["primary"] else "REPLICA",
                "PrimaryKey": next(e for e in entries if e["Region"] == key["primary"]),
                "ReplicaKeys": [e for e in entries if e["Region"] != key["primary"]]}
        current = key["materials"].get(key["current"])
        if current and self.state(key) == "Enabled":
            value["ExpirationModel"] = current["model"]
            if current["valid_to"]:
                value["ValidTo"] = current["valid_to"]
            if key["spec"] == "SYMMETRIC_DEFAULT":
                value["CurrentKeyMaterialId"] = key["current"]
        return value

    def state(self, key):
        live = [entry for entry in key["materials"].values()
                if not entry["state"].startswith("PENDING")]
        if not live or not all(self.is_there(entry) for entry in live):
            return "PendingImport"
        return "Enabled"

    def is_there(self, entry):
        return entry["bytes"] is not None and not (
            entry["valid_to"] and entry["valid_to"] <= self.now())

    def CreateKey(self, region, Origin="AWS_KMS", KeySpec="SYMMETRIC_DEFAULT",
                  KeyUsage="ENCRYPT_DECRYPT", MultiRegion=False, Description="", Tags=(), **_):
        if Origin != "EXTERNAL":
            refuse("ValidationException", "this fake makes keys for import alone")
        if KeySpec.startswith(("ML_", "SM2", "ECC_NIST_EDWARDS")):
            refuse("UnsupportedOperationException", f"{KeySpec} cannot have imported material")
        wanted = ({"GENERATE_VERIFY_MAC"} if KeySpec in HMAC else {"ENCRYPT_DECRYPT"}
                  if KeySpec == "SYMMETRIC_DEFAULT" else {"SIGN_VERIFY", "ENCRYPT_DECRYPT"}
                  if KeySpec in RSA else {"SIGN_VERIFY"} if KeySpec == "ECC_SECG_P256K1"
                  else {"SIGN_VERIFY", "KEY_AGREEMENT"})
        if KeyUsage not in wanted:
            refuse("ValidationException", f"KeyUsage {KeyUsage} is not compatible with {KeySpec}")
        name = ("mrk-" + uuid.uuid4().hex) if MultiRegion else str(uuid.uuid4())
        key = {"id": name, "arn": f"arn:aws:kms:{region}:111122223333:key/{name}", "spec": KeySpec,
               "usage": KeyUsage, "multi": MultiRegion, "materials": {}, "current": None,
               "created": round(self.now(), 3), "description": Description, "rotations": 0,
               "primary": region, "region": region, "order": []}
        self.keys[region, name] = key
        return {"KeyMetadata": self.metadata(key)}

    def DescribeKey(self, region, KeyId, **_):
        return {"KeyMetadata": self.metadata(self.key(region, KeyId))}

    def GetParametersForImport(self, region, KeyId, WrappingAlgorithm, WrappingKeySpec):
        key = self.key(region, KeyId)
        # 8: the retired algorithm. 9: an algorithm that is for another type of key.
        if WrappingAlgorithm == "RSAES_PKCS1_V1_5":
            refuse("UnsupportedOperationException", "RSAES_PKCS1_V1_5 is no longer supported")
        if WrappingAlgorithm == "SM2PKE" or WrappingKeySpec == "SM2":
            refuse("UnsupportedOperationException", "China regions only")
        is_hybrid = WrappingAlgorithm.startswith("RSA_AES")
        if is_hybrid and key["spec"] not in RSA and key["spec"] not in CURVES:
            refuse("ValidationException", "RSA_AES_KEY_WRAP is for RSA and ECC key material")
        if not is_hybrid and key["spec"] in RSA:
            refuse("ValidationException", "RSA key material needs RSA_AES_KEY_WRAP")
        if not is_hybrid and key["spec"] == "ECC_NIST_P521" and WrappingKeySpec == "RSA_2048":
            refuse("ValidationException", "ECC_NIST_P521 does not fit RSA_2048")
        token = os.urandom(2000)
        until = self.now() + DAY
        self.tokens[token] = {"key": (region, key["id"]), "algorithm": WrappingAlgorithm,
                              "bits": RSA[WrappingKeySpec], "until": until}
        return {"KeyId": key["arn"], "ImportToken": base64.b64encode(token).decode(),
                "PublicKey": base64.b64encode(
                    openers.spki(wrapping_key(RSA[WrappingKeySpec]))).decode(),
                "ParametersValidTo": round(until, 3)}

    def ImportKeyMaterial(self, region, KeyId, ImportToken, EncryptedKeyMaterial,
                          ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=None, ImportType=None,
                          KeyMaterialDescription="", KeyMaterialId=None):
        key = self.key(region, KeyId)
        token = self.tokens.get(base64.b64decode(ImportToken))
        # Refusals that LocalStack does not make. 1: a token of another key. 2: one that is too old.
        if token is None or token["key"] != (region, key["id"]):
            refuse("InvalidImportTokenException", "")
        if token["until"] <= self.now():
            refuse("ExpiredImportTokenException", "")
        # 3: an end in the past. 4: an end too far away.
        if ExpirationModel == "KEY_MATERIAL_EXPIRES":
            if ValidTo is None or not self.now() < ValidTo <= self.now() + 365 * DAY:
                refuse("ValidationException", "ValidTo must be within 365 days")
        elif ValidTo is not None:
            refuse("ValidationException", "ValidTo without KEY_MATERIAL_EXPIRES")
        if KeyMaterialId is not None and ImportType == "NEW_KEY_MATERIAL":
            refuse("ValidationException", "KeyMaterialId with NEW_KEY_MATERIAL")
        name = token["algorithm"].rsplit("SHA_", 1)[1]
        opener = openers.hybrid if token["algorithm"].startswith("RSA_AES") else openers.direct
        try:
            material = opener(wrapping_key(token["bits"]), base64.b64decode(EncryptedKeyMaterial),
                              "SHA" + name)
        except openers.CannotOpen:
            refuse("InvalidCiphertextException", "")
        self.check_material(key, material)
        identity = hashlib.sha256(key["id"].encode() + material).hexdigest()
        is_first = not key["materials"]
        kind = ImportType or ("NEW_KEY_MATERIAL" if is_first else "EXISTING_KEY_MATERIAL")
        if KeyMaterialId is not None and KeyMaterialId != identity:
            refuse("IncorrectKeyMaterialException", "not the material of that id")
        entry = key["materials"].get(identity)
        if kind == "EXISTING_KEY_MATERIAL":
            # 5: other material than was imported before.
            if entry is None and not self.is_primary_material(key, identity):
                refuse("IncorrectKeyMaterialException", "other material than before")
        elif not is_first:
            if key["spec"] != "SYMMETRIC_DEFAULT":
                refuse("IncorrectKeyMaterialException", "asymmetric and HMAC keys keep their material")
            if entry is not None:
                refuse("IncorrectKeyMaterialException", "the material is not new")
            if any(one["state"] == "PENDING_ROTATION" for one in key["materials"].values()):
                refuse("KMSInvalidStateException", "a material is pending already")
        if is_first and key["multi"] and key["region"] != key["primary"] and \
                not self.is_primary_material(key, identity):
            refuse("IncorrectKeyMaterialException", "a replica takes the primary's material")
        if entry is None:
            state = "CURRENT" if is_first else "PENDING_ROTATION"
            entry = key["materials"][identity] = {"state": state, "description": ""}
            key["order"].append(identity)
            if is_first:
                key["current"] = identity
        entry.update(bytes=material, model=ExpirationModel, valid_to=ValidTo,
                     description=KeyMaterialDescription or entry["description"])
        self.opened[key["id"]] = material.hex()
        answer = {"KeyId": key["arn"]}
        if key["spec"] == "SYMMETRIC_DEFAULT":
            answer["KeyMaterialId"] = identity
        return answer

    def is_primary_material(self, key, identity):
        primary = self.keys.get((key["primary"], key["id"]))
        return (key["multi"] and key["region"] != key["primary"] and primary is not None
                and identity in primary["materials"])

    def check_material(self, key, material):
        spec = key["spec"]
        # 6: the wrong length, as that of hexadecimal text.
        if spec == "SYMMETRIC_DEFAULT":
            if len(material) != 32:
                refuse("IncorrectKeyMaterialException", "a symmetric key has 32 bytes")
        elif spec in HMAC:
            if not HMAC[spec] <= len(material) <= 128:
                refuse("IncorrectKeyMaterialException", f"{spec} has {HMAC[spec]} to 128 bytes")
        else:
            # 7: the wrong curve or size, or another form than PKCS#8.
            try:
                private = openers.private_key(material)
            except openers.CannotOpen as error:
                refuse("IncorrectKeyMaterialException", str(error))
            if spec in RSA:
                fits = isinstance(private, rsa.RSAPrivateKey) and private.key_size == RSA[spec]
            else:
                fits = (isinstance(private, ec.EllipticCurvePrivateKey)
                        and private.curve.name == CURVES[spec])
            if not fits:
                refuse("IncorrectKeyMaterialException", f"not a key of {spec}")

    def DeleteImportedKeyMaterial(self, region, KeyId, KeyMaterialId=None):
        key = self.key(region, KeyId)
        entry = key["materials"].get(KeyMaterialId or key["current"])
        if entry is None:
            refuse("NotFoundException", "no such material")
        entry["bytes"] = None
        return {"KeyId": key["arn"], **({"KeyMaterialId": KeyMaterialId} if KeyMaterialId else {})}

    def ListKeyRotations(self, region, KeyId, IncludeKeyMaterial="ROTATIONS_ONLY", **_):
        key = self.key(region, KeyId)
        if key["spec"] != "SYMMETRIC_DEFAULT":
            refuse("UnsupportedOperationException", "only for symmetric keys")
        rotations = []
        for identity in key["order"]:
            entry = key["materials"][identity]
            item = {"KeyId": key["arn"], "KeyMaterialId": identity,
                    "ImportState": "IMPORTED" if self.is_there(entry) else "PENDING_IMPORT",
                    "KeyMaterialState": entry["state"], "ExpirationModel": entry["model"]}
            if entry["description"]:
                item["KeyMaterialDescription"] = entry["description"]
            if entry["valid_to"]:
                item["ValidTo"] = entry["valid_to"]
            rotations.append(item)
        return {"Rotations": rotations, "Truncated": False}

    def RotateKeyOnDemand(self, region, KeyId):
        key = self.key(region, KeyId)
        pending = [name for name in key["order"]
                   if key["materials"][name]["state"] == "PENDING_ROTATION"]
        if not pending:
            refuse("KMSInvalidStateException", "no material is pending")
        if key["multi"]:
            if key["region"] != key["primary"]:
                refuse("UnsupportedOperationException", "rotate the primary")
            for (region_, name), replica in self.keys.items():
                if name == key["id"] and region_ != region and pending[0] not in replica["materials"]:
                    refuse("KMSInvalidStateException", "a replica lacks the material")
        if key["rotations"] >= 25:
            refuse("LimitExceededException", "25 rotations a key")
        key["rotations"] += 1
        for (_, name), each in self.keys.items():
            if name == key["id"]:
                for entry in each["materials"].values():
                    if entry["state"] == "CURRENT":
                        entry["state"] = "NON_CURRENT"
                each["materials"][pending[0]]["state"] = "CURRENT"
                each["current"] = pending[0]
        return {"KeyId": key["arn"]}

    def ReplicateKey(self, region, KeyId, ReplicaRegion, **_):
        key = self.key(region, KeyId)
        if not key["multi"] or key["region"] != key["primary"]:
            refuse("UnsupportedOperationException", "not a primary")
        if (ReplicaRegion, key["id"]) in self.keys:
            refuse("AlreadyExistsException", "there is a replica")
        replica = {**key, "materials": {}, "current": None, "order": [], "region": ReplicaRegion,
                   "arn": key["arn"].replace(f":{region}:", f":{ReplicaRegion}:")}
        self.keys[ReplicaRegion, key["id"]] = replica
        return {"ReplicaKeyMetadata": self.metadata(replica)}

    # Uses

    def usable(self, region, identifier, *usages):
        key = self.key(region, identifier)
        if self.state(key) != "Enabled":
            refuse("KMSInvalidStateException", f"{key['arn']} is pending import.")
        if key["usage"] not in usages:
            refuse("InvalidKeyUsageException", key["usage"])
        return key, key["materials"][key["current"]]["bytes"]

    def GetPublicKey(self, region, KeyId, **_):
        key, material = self.usable(region, KeyId, "SIGN_VERIFY", "ENCRYPT_DECRYPT", "KEY_AGREEMENT")
        if key["spec"] == "SYMMETRIC_DEFAULT":
            refuse("UnsupportedOperationException", "symmetric")
        return {"KeyId": key["arn"], "KeySpec": key["spec"], "KeyUsage": key["usage"],
                "PublicKey": base64.b64encode(openers.spki(openers.private_key(material))).decode()}

    def GenerateMac(self, region, KeyId, Message, MacAlgorithm, **_):
        key, material = self.usable(region, KeyId, "GENERATE_VERIFY_MAC")
        bits = key["spec"].split("_")[1]
        if MacAlgorithm != f"HMAC_SHA_{bits}":
            refuse("InvalidKeyUsageException", f"{MacAlgorithm} is not for {key['spec']}")
        mac = hmac.digest(material, base64.b64decode(Message), f"sha{bits}")
        return {"KeyId": key["arn"], "MacAlgorithm": MacAlgorithm,
                "Mac": base64.b64encode(mac).decode()}

    def Encrypt(self, region, KeyId, Plaintext, **_):
        key, material = self.usable(region, KeyId, "ENCRYPT_DECRYPT")
        nonce = os.urandom(12)
        name = key["current"].encode()
        blob = name + nonce + AESGCM(material).encrypt(nonce, base64.b64decode(Plaintext), None)
        return {"KeyId": key["arn"], "CiphertextBlob": base64.b64encode(blob).decode()}

    def Decrypt(self, region, KeyId, CiphertextBlob, **_):
        key, _ = self.usable(region, KeyId, "ENCRYPT_DECRYPT")
        blob = base64.b64decode(CiphertextBlob)
        entry = key["materials"].get(blob[:64].decode())
        if entry is None:
            refuse("InvalidCiphertextException", "")
        plain = AESGCM(entry["bytes"]).decrypt(blob[64:76], blob[76:], None)
        return {"KeyId": key["arn"], "Plaintext": base64.b64encode(plain).decode()}

    # For tests

    def material(self, key):
        return self.opened.get(key.split("/")[-1])

    def spoil(self, key):
        """Puts other material in the place of what was imported."""
        for (_, name), entry in self.keys.items():
            if name == key.split("/")[-1]:
                one = entry["materials"][entry["current"]]
                if entry["spec"] in RSA:
                    one["bytes"] = self.encoded(rsa.generate_private_key(65537, RSA[entry["spec"]]))
                elif entry["spec"] in CURVES:
                    curve = {"secp256r1": ec.SECP256R1, "secp384r1": ec.SECP384R1,
                             "secp521r1": ec.SECP521R1, "secp256k1": ec.SECP256K1}
                    one["bytes"] = self.encoded(
                        ec.generate_private_key(curve[CURVES[entry["spec"]]]()))
                else:
                    one["bytes"] = os.urandom(len(one["bytes"]))

    @staticmethod
    def encoded(key):
        return key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption())
